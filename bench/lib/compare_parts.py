"""Parts of bench/compare: each measures once and puts its figures into the comparison's table; what is wrong goes to its problems."""

import os

from . import airline, drivers, processes, redis_control
from .fault_run import Run
from .holdfast import Holdfast
from .idle import IdleConnections, resident


def in_turn(comparison, sides):
    """The sides in this round's order: A B, B A, A B."""
    return sides if comparison.round % 2 else sides[::-1]


def single_seats(comparison):
    """Seats of their own instead of places in an area. redis-benchmark stops at the first refusal and cannot count upwards, so a seat that
    is named can't be asked for with it; the best seat can, for every answer is a yes. Named seats are held at random by our own load
    tool, the same at both sides, refusals included."""
    row = "RESP holds of the best seat/s, pipeline 16"
    event = comparison.event("best-")
    found = drivers.redis_benchmark(comparison.holdfast.tcp, ["HOLD.BEST", event, "b1", 600, 1], 300_000, 16)
    comparison.table.add(row, "holdfast", found["rate"])
    comparison.check(row, 300_000, comparison.counts(event)["held"])
    row = "RESP, random seats of a million, refusals included, pipeline 16, /s"
    event = comparison.event("random-")
    comparison.redis.flush()
    template = f"EVALSHA {comparison.redis.sha} 2 seat:{{seat}} held {{buyer}} 600"
    sides = [
        ("holdfast", comparison.holdfast.tcp, ["--event", event, "--no-create"]),
        ("Redis Lua, AOF always, replica", comparison.redis.port, ["--command", template]),
    ]
    for side, port, words in in_turn(comparison, sides):
        processes.settle()
        found = drivers.load_tool("--resp", f"127.0.0.1:{port}", "--scenario", "hot-event", "--pipeline", 16, "--connections", 64,
                                  "--seconds", comparison.options.seconds, "--seed", comparison.round, *words)
        comparison.table.add(row, side, found["rate"])
        held = comparison.counts(event)["held"] if side == "holdfast" else comparison.redis.held()[1]
        # What is under way when the time is over may or may not have been answered.
        if found["errors"] or not found["ok"] <= held <= found["ok"] + 64 * 16:
            comparison.problems.append(f"{row}, {side}: {found['ok']} acknowledged, {held} held, errors {found['words']}")


def hot_and_many(comparison):
    """One hot event against many, on the same cluster: `__rand_int__` is part of the event's name."""
    many = 64
    for number in range(many):
        comparison.holdfast.request("POST", "/v1/events", {
            "id": f"many{comparison.round}-{number:012d}", "name": "m", "areas": [
                {"name": "Floor", "capacity": 10_000_000, "price": 1}]})
    hot = comparison.event("hot-")
    for row, event in in_turn(comparison, [
            ("RESP holds/s, pipeline 16, one hot event", hot),
            (f"RESP holds/s, pipeline 16, {many} events", f"many{comparison.round}-__rand_int__")]):
        found = drivers.redis_benchmark(
            comparison.holdfast.tcp, ["HOLD.AREA", event, "b1", 600, "Floor", 1], 300_000, 16, keyspace=many)
        comparison.table.add(row, "holdfast", found["rate"])


def seats(comparison):
    """The SEATS workload on both, by the same client."""
    weights = airline.weights(comparison.options.seats_histograms)
    seconds, row = comparison.options.seconds, "SEATS workload, transactions/s"

    def run(side):
        if side == "PostgreSQL":
            return airline.on_postgres(comparison.postgres, seconds, weights, comparison.round)
        door = "http" if side == "holdfast, HTTP" else "resp"
        return airline.on_holdfast(
            comparison.holdfast, f"seats{comparison.round}{door}", door, seconds, weights, comparison.round)
    for side in in_turn(comparison, ["holdfast", "holdfast, HTTP", "PostgreSQL"]):
        found, held = run(side)
        comparison.table.add(row, side, found["transaction_rate"])
        comparison.table.add("SEATS workload, p99 ms a request", side, found["p99_ms"])
        comparison.problems += airline.problems(side, found, held)


def connections(comparison, idle_count=10_000):
    """How a router of its own, with nothing in its memory yet, takes few, many and very many connections."""
    router = Holdfast(os.path.join(comparison.folder, f"router{comparison.round}"), nodes=0,
                      coordinator=comparison.holdfast.coordinator)
    router.start()
    try:
        def busy(count, row):
            event = comparison.event(f"conn{len(row)}-{count}-")
            # Ten thousand connections take a second or two to be made.
            found = drivers.wrk(
                f"http://127.0.0.1:{router.http}/v1/reserve", comparison.folder, comparison.options.seconds + count // 3000,
                drivers.reserve_script(event, 1_000_000, count), connections=count)
            comparison.table.add(row, "holdfast", found["rate"])
            if found["errors"] or found["other"]:
                comparison.problems.append(f"{row}: {found}")
        for count in (10, 64):
            busy(count, f"POST /v1/reserve, {count:,} connections, requests/s")
        before = resident(router.processes["router"].pid)
        idle = IdleConnections(router.http, idle_count)
        try:
            comparison.table.add(
                f"bytes of the router an idle connection ({idle_count:,} of them)", "holdfast",
                (resident(router.processes["router"].pid) - before) / idle_count)
            busy(1000, f"POST /v1/reserve, 1,000 connections beside {idle_count:,} idle ones, requests/s")
            if idle.alive() != idle_count:
                comparison.problems.append(f"{idle_count - idle.alive()} idle connections were closed")
        finally:
            idle.close()
        for count in (1000, 10_000):
            busy(count, f"POST /v1/reserve, {count:,} connections, requests/s")
    finally:
        router.stop()


def failover(comparison):
    """The longest time without a yes to any of 64 buyers: roles handed over as planned, and after kill -9 of the node that sells. Both
    with everything at its default; Redis with three Sentinels that wait a second."""
    run = Run(os.path.join(comparison.folder, f"failover{comparison.round}"), shards=16)
    try:
        run.begin()
        run.gap_of(lambda: run.cli("failover", "--node", run.primary()))
        run.wait_in_sync()
        victim = run.primary()
        run.gap_of(lambda: run.kill(victim))
        run.start(victim)
        found = run.finish()
    finally:
        run.end()
    for row, gap in zip(("planned failover, longest gap, ms", "kill -9 of the primary, longest gap, ms"), run.gaps):
        comparison.table.add(row, "holdfast", gap * 1000)
    comparison.problems += found["problems"]
    control = redis_control.carry_out("kill", os.path.join(comparison.folder, f"sentinels{comparison.round}"))
    comparison.table.add("kill -9 of the primary, longest gap, ms", "Redis, three Sentinels, WAIT 1", control["gap_ms"])
