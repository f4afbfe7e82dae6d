"""Rows of the fault matrix: processes that are killed, stand still, start again, and calls that are made twice."""

import os
import signal
import subprocess
import time

from . import processes
from .fault_run import Etcd, Run, plain, row
from .fault_retries import Retries


def kill(name, whom, at_once=False, etcd=False, how=signal.SIGKILL):
    """`whom(run)` names who is killed, or is asked to end. They are started again once sales go on without them; `at_once` where nothing can be sold
    before. Both copies are in sync before the next strike."""
    def run_row(folder, **options):
        run = Run(folder, etcd=Etcd(folder) if etcd else None, **options).begin()
        yield run
        for _ in range(run.times):
            victims = whom(run)

            def strike():
                for victim in victims:
                    os.killpg(run.process(victim).pid, how)
                for victim in victims:
                    run.process(victim).wait()
                if at_once:
                    for victim in victims:
                        run.start(victim)
            run.gap_of(strike)
            if not at_once:
                for victim in victims:
                    run.start(victim)
            run.wait_in_sync()
    row(name, needs=["etcd"] if etcd else [])(run_row)


kill("kill -9 of the primary", lambda run: [run.primary()])
kill("kill -9 of the follower", lambda run: [run.follower()])
kill("kill -9 of both nodes, started again", lambda run: run.cluster.names, at_once=True)
kill("kill -9 of the router, started again", lambda run: ["router"], at_once=True)
kill("kill -9 of everything, started again", lambda run: [*run.cluster.names, "router"], at_once=True)
kill("kill -9 of etcd, started again", lambda run: ["etcd"], etcd=True)
kill("SIGTERM to the primary", lambda run: [run.primary()], how=signal.SIGTERM)
kill("SIGTERM to the follower", lambda run: [run.follower()], how=signal.SIGTERM)
kill("SIGTERM to both nodes, started again", lambda run: run.cluster.names, at_once=True, how=signal.SIGTERM)
kill("kill -9 of the primary, roles in etcd", lambda run: [run.primary()], etcd=True)


def pause(name, role):
    def run_row(folder, **options):
        run = plain(folder, **options)
        yield run
        for _ in range(run.times):
            victim = run.process(run.node(role))
            began = time.monotonic()
            try:
                run.gap_of(lambda: os.killpg(victim.pid, signal.SIGSTOP))
                run.recorder.join(run.clients // 2)  # they buy from whoever sells now, what others may have asked the paused one for
                time.sleep(max(0, 5 - (time.monotonic() - began)))
            finally:
                os.killpg(victim.pid, signal.SIGCONT)
            run.more_yeses(150)
            run.wait_in_sync()
    row(name)(run_row)


pause("SIGSTOP of the primary for 5 s, SIGCONT", "primary")
pause("SIGSTOP of the follower for 5 s, SIGCONT", "follower")


@row("a hundred restarts in a row")
def restarts(folder, **options):
    """One node after the other is killed or asked to end, and started: nobody waits for two copies in between, so that it is often the
    only copy in force, which has to come back by itself."""
    run = plain(folder, **options)
    yield run
    # The short form of the tests (few clients) restarts less often.
    for turn in range(100 if run.clients >= 64 else 12):
        victim = run.cluster.names[turn % 2]

        def strike():
            run.kill(victim, signal.SIGKILL if turn % 3 else signal.SIGTERM)
            run.start(victim)
        run.gap_of(strike)
    run.wait_in_sync()


@row("a follower slowed down to a crawl")
def crawl(folder, **options):
    run = plain(folder, **options)
    yield run
    process = run.process(run.follower())

    def strike():
        for _ in range(20 * run.times):
            os.killpg(process.pid, signal.SIGSTOP)
            time.sleep(0.2)
            os.killpg(process.pid, signal.SIGCONT)
            time.sleep(0.02)
    try:
        run.gap_of(strike)
    finally:
        os.killpg(process.pid, signal.SIGCONT)


@row("the wall clocks an hour forward, then back", needs=["faketime"])
def clock(folder, **options):
    """Each node has a wall clock of its own; the primary's leaps, and once the follower's, who then takes over."""
    os.makedirs(folder, exist_ok=True)
    library = subprocess.run(
        ["sh", "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"], capture_output=True, text=True).stdout.strip()

    def set_clock(node, offset):
        path = os.path.join(folder, node + ".clock")
        with open(path + ".new", "w") as file:
            file.write(offset + "\n")
        os.rename(path + ".new", path)
    wrap = {}
    for node in ("n1", "n2"):
        set_clock(node, "+0s")
        wrap[node] = ["env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={os.path.join(folder, node + '.clock')}",
                      "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
    run = Run(folder, wrap=wrap, **options).begin()
    yield run
    run.cluster.create_event("clocks", 10, 10)  # not the buyers' event: their judge knows nothing of these holds

    def hold(ttl):
        status, _, body = run.cluster.request(
            "POST", "/v1/reserve", {"event": "clocks", "buyer": "clock", "best": {"count": 1}, "ttl": ttl})
        if status != 200:
            raise SystemExit(f"no hold: {status} {body}")
        return "/v1/holds/" + body["hold"]
    long = hold(120)
    for role, offset in (("primary", "+3600s"), ("primary", "-3600s"), ("primary", "+0s"), ("follower", "+3600s")):
        node, brief = run.node(role), hold(2)
        run.gap_of(lambda: set_clock(node, offset))
        if role == "follower":
            run.make_primary(node)
        found = run.cluster.get(long)[0]
        if found != 200:
            run.problems.append(f"the hold of 120 s is answered with {found} after the {role}'s clock moved by {offset}")
        # It lives for 2 s of real time, whatever the wall clock says; a busy machine may look late, never in vain.
        processes.wait_until("the hold of 2 s ends", lambda: run.cluster.get(brief)[0] == 410, 20)


@row("retries of every kind with the same key, over kill -9 of the primary")
def retries(folder, **options):
    run = plain(folder, **options)
    yield run
    for turn in range(run.times):
        calls = Retries(run.cluster, turn)
        calls.first()
        victim = run.primary()
        run.gap_of(lambda: run.kill(victim))
        run.problems += calls.again("after the failover")
        run.start(victim)
        run.wait_in_sync()
        run.problems += calls.again("after the healing")
