"""Rows of the fault matrix: disks that fail, are slow or full, writes at which a process dies, and files that are damaged."""

import json
import os
import signal
import subprocess

from . import processes
from .fault_run import plain, row


def tracing(calls, injection):
    """The shipped binary under strace, which injects into its system calls: nothing is compiled in."""
    return ["strace", "-f", "-qq", *([] if "signal=" in injection else ["--seccomp-bpf"]), "-o", "/dev/null",
            "-e", f"trace={calls}", "-e", f"inject={calls}:{injection}"]


def injected(name, role, calls, injection, first=20, last=200, **cluster):
    """One node's n-th call, n drawn from the seed, fails or kills it. It starts as follower and is handed the role that the row is about."""
    def run_row(folder, **options):
        run = plain(folder, **cluster, **options)
        yield run
        for _ in range(run.times):
            victim = run.node(role)
            run.kill(victim, signal.SIGTERM)
            run.start(victim, tracing(calls, injection.format(when=run.chance.randint(first, last))))
            run.wait_in_sync()
            process = run.process(victim)

            def strike():
                processes.wait_until("the fault strikes", lambda: process.poll() is not None, 60)

            def strike_primary():
                # It may die while it is made primary: that is as good.
                run.cli("failover", "--node", run.other(victim))
                strike()
            run.gap_of(strike_primary if role == "primary" else strike)
            run.start(victim)
            run.wait_in_sync()
    row(name, needs=["strace"])(run_row)


WRITES, RENAMES = "pwrite64,pwritev,writev", "rename,renameat,renameat2"
OFTEN = ["--snapshot-bytes", "20000"]  # so that there is always a snapshot under way

for role in ("primary", "follower"):
    injected(f"fdatasync of the {role} fails (EIO)", role, "fdatasync", "error=EIO:when={when}")
    injected(f"the {role} is killed at its n-th log write", role, WRITES, "signal=KILL:when={when}")
    injected(f"the {role} is killed at its n-th fdatasync", role, "fdatasync", "signal=KILL:when={when}")
    injected(f"the {role} is killed at its n-th rename", role, RENAMES, "signal=KILL:when={when}", 6, 12, node_options=OFTEN)


def slow(name, role):
    def run_row(folder, **options):
        run = plain(folder, **options)
        yield run
        victim = run.node(role)
        run.kill(victim, signal.SIGTERM)
        run.start(victim, tracing("fdatasync", "delay_exit=30000"))
        run.wait_in_sync()
        if role == "primary":
            run.make_primary(victim)
        run.gap_of(lambda: run.more_yeses(500 * run.times))
    row(name, needs=["strace"])(run_row)


slow("the primary's disk takes 30 ms to sync", "primary")
slow("the follower's disk takes 30 ms to sync", "follower")


def full(name, role):
    """n2 keeps its data on a small tmpfs, which is filled up."""
    def run_row(folder, **options):
        home = os.path.join(folder, "n2")
        os.makedirs(home)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", home], check=True)
        run = plain(folder, node_options=["--segment-bytes", str(1 << 20)], **options)
        yield run
        run.make_primary("n2" if role == "primary" else "n1")
        ballast = os.path.join(home, "ballast")

        def strike():
            with open(ballast, "wb", buffering=0) as file:
                try:
                    while file.write(b"\1" * 4096):
                        pass
                except OSError:
                    pass
        run.gap_of(strike)
        # Whole plans go into the log: each of these takes more than a third of a segment.
        with open(os.path.join(processes.ROOT, "cluster", "demo", "arena.json")) as file:
            plan = json.load(file)
        statuses = [
            run.cluster.request("POST", "/v1/events", {"id": f"big{number}", "name": "big", "plan": plan})[0]
            for number in range(12)]
        run.gap_of(lambda: run.more_yeses(300))
        shards = run.status()["shards"]
        gone = sum(1 for shard in shards if shard["follower"] is None or (role == "primary" and shard["primary"] == "n1"))
        if not gone and 503 not in statuses:
            run.problems.append(f"the disk was never full: {statuses}")
        os.unlink(ballast)
    row(name, needs=["root"])(run_row)


full("a full disk (tmpfs) under the primary", "primary")
full("a full disk (tmpfs) under the follower", "follower")


def damage(role, which, how, where):
    """The file is damaged while its node is down. A primary is back before anybody has taken over: the roles are still its own."""
    name = f"{'bit flip in' if how == 'flip' else 'cut off:'} the {role}'s {which}, {where}"

    def run_row(folder, **options):
        run = plain(folder, node_options=OFTEN, **options)
        yield run
        for _ in range(run.times):
            run.more_yeses(400)
            victim, prefix = run.node(role), f"shard-{run.shard():03d}-" if which == "snapshot" else ""
            home = os.path.join(folder, victim, "snapshots" if which == "snapshot" else "log")
            processes.wait_until(f"{victim} has a {which} of the sale", lambda: newest(home, prefix), 60)

            def strike():
                run.kill(victim)
                strike_file(newest(home, prefix), how, where, run.chance)
                run.start(victim)
            run.gap_of(strike)
            run.wait_in_sync()
    row(name)(run_row)


def newest(folder, prefix):
    """Segments are named by their position, a shard's snapshots by their index: the last one in use."""
    files = [os.path.join(folder, each) for each in sorted(os.listdir(folder)) if each.startswith(prefix) and
             each.endswith((".seg", ".snap"))]
    used = [each for each in files if used_bytes(each) > 1024]
    return used[-1] if used else None


def strike_file(path, how, where, chance):
    used = used_bytes(path)
    offset = {"head": 200, "middle": used // 2, "tail": used - 40}[where]
    with open(path, "r+b") as file:
        if how == "cut":
            file.truncate(offset)
        else:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 1 << chance.randrange(8)]))


def used_bytes(path):
    """Without the zeros that a segment is made with."""
    try:
        with open(path, "rb") as file:
            return len(file.read().rstrip(b"\0"))
    except FileNotFoundError:
        return 0


for role in ("primary", "follower"):
    for which in ("log", "snapshot"):
        for how in ("flip", "cut"):
            for where in ("head", "middle", "tail"):
                damage(role, which, how, where)
