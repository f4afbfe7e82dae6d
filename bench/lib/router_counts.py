"""A router's own counters, and how they are held against what a client counted."""

import re
import time

# None of these may grow under a client that does nothing wrong.
QUIET = ["holdfast_router_resp_protocol_errors_total", "holdfast_router_connections_over_limit_total",
         "holdfast_router_descriptor_failures_total", "holdfast_router_input_memory_closed_total",
         "holdfast_router_input_memory_refused_total", "holdfast_router_output_memory_closed_total",
         "holdfast_router_copy_refusals_total"]
LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.M)


def sample(cluster):
    """Every counter by (name, labels)."""
    text = cluster.get("/metrics")[2]
    return {(name, labels): float(value) for name, labels, value in LINE.findall(text)}


def settled(cluster, timeout=20):
    """The counters when nothing is under way any more: a tool that ends drops requests that nodes still answer."""
    deadline, before = time.monotonic() + timeout, None
    while True:
        now = sample(cluster)
        asked = answers(now)
        if now[("holdfast_router_pending_requests", "")] == 0 and asked == before:
            return now
        if time.monotonic() > deadline:
            raise RuntimeError(f"the router's counters did not come to rest within {timeout} s")
        before = asked
        time.sleep(0.1)


def answers(counters):
    """Answers by (method, route, code) and (command, result), without what counting itself asks for."""
    found = {}
    for (name, labels), value in counters.items():
        if name == "holdfast_router_http_requests_total":
            key = tuple(re.findall(r'"([^"]*)"', labels))
            if key[1] not in ("/metrics", "/readyz"):
                found[key] = int(value)
        elif name == "holdfast_router_resp_commands_total":
            found[tuple(re.findall(r'"([^"]*)"', labels))] = int(value)
    return found


def growth(before, after):
    """(answers, quiet counters) that are more than they were."""
    was = answers(before)
    grown = {key: value - was.get(key, 0) for key, value in answers(after).items() if value > was.get(key, 0)}
    loud = {name: after[(name, "")] - before[(name, "")] for name in QUIET if after[(name, "")] > before[(name, "")]}
    return grown, loud


def matches(kind, code):
    """Whether a tool that says `kind` means answers with this code or result."""
    return {"any": True, "not 2xx": code[0] != "2"}.get(kind, kind == code or kind == code[0] + "xx")


def compare(found, grown, method, route):
    """What is wrong between a tool's counts and the router's: sentences."""
    problems = []
    mine = {key[-1]: count for key, count in grown.items() if key[:-1] == ((method, route) if route else (method,))}
    for key, count in grown.items():
        if key[:-1] != ((method, route) if route else (method,)):
            problems.append(f"the router answered {count} × {' '.join(key)}, which nobody asked for")
    explained = set()
    for kind, theirs in found.answers.items():
        ours = sum(count for code, count in mine.items() if matches(kind, code))
        explained |= {code for code in mine if matches(kind, code)}
        if not theirs <= ours <= theirs + found.in_flight:
            problems.append(f"{kind}: the tool counted {theirs}, the router {ours}, and at most {found.in_flight} were in flight")
    left = sum(count for code, count in mine.items() if code not in explained)
    if left > found.in_flight:
        problems.append(f"the router gave {left} answers of kinds that the tool did not count: {mine}")
    total = sum(mine.values())
    if not found.requests <= total <= found.requests + found.in_flight:
        problems.append(f"the tool counted {found.requests} requests, the router {total}, and at most {found.in_flight} were in flight")
    if found.requests == 0:
        problems.append("no request at all")
    return problems, mine
