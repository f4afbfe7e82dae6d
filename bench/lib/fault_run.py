"""What a row of the fault matrix is made of: a cluster under load, ways to strike it, and the verdict."""

import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time

from . import processes
from .checker import Recorder, find_holds_over, judge
from .holdfast import Holdfast

SEATS_PER_ROW = 1000
ROWS = {}


def row(name, needs=()):
    """Registers a generator: it yields its `Run` once sales go on, then strikes. `needs`: programs, `root`, `netns`, `faketime`."""
    def add(function):
        ROWS[name] = (function, needs)
        return function
    return add


class Run:
    """A cluster, buyers, and what a fault needs to strike it."""

    def __init__(self, folder, binaries=None, clients=64, seed=1, times=1, etcd=None, **options):
        self.folder, self.clients, self.seed, self.times = folder, clients, seed, times
        self.chance = random.Random(seed)
        os.makedirs(folder, exist_ok=True)
        self.etcd = etcd
        coordinator = etcd.start().coordinator if etcd else None
        options.setdefault("shards", 4)
        self.cluster = Holdfast(folder, binaries=binaries, coordinator=coordinator, **options)
        self.gaps, self.healed, self.problems = [], 0.0, []

    def begin(self, clients=None):
        """Starts all, and the buyers. The event is large enough for what is sold while the fault strikes again and again."""
        self.cluster.start()
        self.wait_in_sync()
        self.healed = 0.0
        rows = min(20 * self.times, 2000)
        self.cluster.create_event("sale", rows=rows, seats_per_row=SEATS_PER_ROW)
        self.recorder = Recorder(
            [self.cluster.tcp], "sale", rows * SEATS_PER_ROW, clients=clients or self.clients, seed=self.seed,
            think=0.004).start()
        self.more_yeses(200)
        return self

    def cli(self, *words):
        return subprocess.run(
            [os.path.join(self.cluster.binaries, "holdfast"), *map(str, words), "--coordinator", self.cluster.coordinator],
            capture_output=True, text=True, timeout=30)

    def status(self):
        done = self.cli("status", "--json")
        return json.loads(done.stdout) if done.stdout.startswith("{") else {"shards": [], "nodes": []}

    def wait_in_sync(self, timeout=150):
        """How long it takes until every shard has two copies again; the longest of these is told in the end. A copy that comes back again
        and again is made to wait up to a minute."""
        def in_sync():
            shards = self.status()["shards"]
            return shards and all(shard["primary"] and shard["follower"] for shard in shards)
        began = time.monotonic()
        processes.wait_until("every shard has its follower", in_sync, timeout)
        self.healed = max(self.healed, time.monotonic() - began)

    def wait_digests_agree(self):
        def agree():
            shards = self.status()["shards"]
            return shards and all(
                len(shard["digests"] or {}) == 3 and
                len({value for name, value in shard["digests"].items() if name != "index"}) == 1 for shard in shards)
        processes.wait_until("the digests agree", agree, 60)

    def shard(self):
        """The one that the event lives on."""
        return int(self.cli("event", "shard", "sale").stdout.split()[-1])

    def primary(self):
        """The node that sells: the primary of the event's shard."""
        shard = self.shard()
        found = processes.wait_until("the shard has a primary", lambda: [
            entry["primary"] for entry in self.status()["shards"] if entry["shard"] == shard and entry["primary"]], 30)
        return found[0]

    def other(self, node):
        return next(name for name in self.cluster.names if name != node)

    def follower(self):
        return self.other(self.primary())

    def node(self, role):
        return self.primary() if role == "primary" else self.follower()

    def make_primary(self, node):
        """Hands the roles over, without an error for anybody, if another node has them."""
        said = ""

        def handed_over():
            nonlocal said
            if self.primary() == node:
                return True
            # On a slow disk the follower may just have been left out: then it is asked again once it is back.
            self.wait_in_sync()
            said = self.cli("failover", "--node", self.other(node)).stderr.strip()
            return self.primary() == node
        try:
            processes.wait_until(f"{node} is primary", handed_over, 90)
        except SystemExit as error:
            raise SystemExit(f"{error}; holdfast failover said: {said}") from None
        self.wait_in_sync()

    def more_yeses(self, count=200, timeout=60):
        target = self.recorder.yeses() + count
        processes.wait_until(f"{count} more holds", lambda: self.recorder.yeses() >= target, timeout)

    def process(self, name):
        return self.etcd.process if name == "etcd" else self.cluster.processes[name]

    def kill(self, name, how=signal.SIGKILL):
        process = self.process(name)
        os.killpg(process.pid, how)
        process.wait()

    def start(self, name, wrap=None):
        if name == "etcd":
            self.etcd.start()
        elif name == "router":
            self.cluster.start_router()
        else:
            self.cluster.start_node(name, wrap=wrap)

    def gap_of(self, strike):
        """Strikes, waits until sales go on, and keeps the longest time without a yes."""
        began = time.monotonic()
        strike()
        self.more_yeses(150)
        self.gaps.append(self.recorder.longest_gap(began, time.monotonic()))

    def finish(self):
        self.wait_in_sync()
        self.more_yeses(100)
        self.recorder.stop()
        problems, counts = judge(self.recorder, find_holds_over(self.cluster.tcp, SEATS_PER_ROW))
        problems = self.problems + problems
        try:
            self.wait_digests_agree()
        except SystemExit as error:
            problems.append(str(error))
        gaps = [round(gap * 1000) for gap in self.gaps] or [0]
        return {**counts, "strikes": len(self.gaps), "gap_ms": max(gaps), "gap_median_ms": round(statistics.median(gaps)),
                "healed_s": round(self.healed, 1), "problems": problems}

    def end(self):
        if hasattr(self, "recorder"):
            self.recorder.stopping.set()
        self.cluster.stop()
        if self.etcd:
            self.etcd.stop()


class Etcd:
    def __init__(self, folder, host="127.0.0.1"):
        self.folder, self.host = folder, host
        self.port, self.peer_port = processes.free_ports(2)
        self.coordinator = f"etcd:http://{host}:{self.port}"

    def start(self):
        self.process = processes.start(
            ["etcd", "--data-dir", os.path.join(self.folder, "etcd"), "--listen-client-urls",
             f"http://{self.host}:{self.port}", "--advertise-client-urls", f"http://{self.host}:{self.port}",
             "--listen-peer-urls", f"http://127.0.0.1:{self.peer_port}", "--initial-advertise-peer-urls",
             f"http://127.0.0.1:{self.peer_port}", "--initial-cluster", f"default=http://127.0.0.1:{self.peer_port}"],
            os.path.join(self.folder, "etcd.log"))
        processes.wait_until("etcd", lambda: processes.port_open(self.port, self.host), 30, self.process)
        return self

    def stop(self):
        processes.stop(self.process)


def plain(folder, **options):
    return Run(folder, **options).begin()


def have(needs):
    """Whether this machine and this user can carry out a row."""
    for need in needs:
        if need == "root":
            if os.getuid() != 0:
                return False
        elif need != "netns" and not shutil.which(need):
            return False
    return True


def nothing(problem):
    return {"acknowledged": 0, "lost": 0, "doubled": 0, "unknown": 0, "strikes": 0, "gap_ms": 0, "gap_median_ms": 0,
            "healed_s": 0, "problems": [problem]}


def carry_out(name, folder, isolated=False, **options):
    """One row's figures; `problems` is empty when every promise was kept."""
    function, needs = ROWS[name]
    if "netns" in needs and not isolated:
        return carry_out_apart(name, folder, options)
    steps = function(folder, **options)
    run = None
    try:
        run = next(steps)
        for _ in steps:
            pass
        return run.finish()
    except SystemExit as error:
        return nothing(str(error))
    finally:
        if run is not None:
            run.end()
            getattr(run, "cleanup", lambda: None)()
        for name in ("n1", "n2"):
            if os.path.ismount(os.path.join(folder, name)):
                subprocess.run(["umount", "-l", os.path.join(folder, name)], stderr=subprocess.DEVNULL)


def carry_out_apart(name, folder, options):
    """The same in a process of its own, in a network namespace of its own."""
    os.makedirs(folder, exist_ok=True)
    request = {"name": name, "folder": folder, "options": options}
    code = ("import json, sys; sys.path.insert(0, sys.argv[1]); from lib import fault_rows; "
            "request = json.loads(sys.argv[2]); "
            "print('RESULT' + json.dumps(fault_rows.carry_out(request['name'], request['folder'], True, **request['options'])))")
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", code, os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
         json.dumps(request)], capture_output=True, text=True, timeout=300 + 60 * options.get("times", 1))
    for line in done.stdout.splitlines():
        if line.startswith("RESULT"):
            return json.loads(line[6:])
    return nothing((done.stderr or done.stdout)[-2000:])
