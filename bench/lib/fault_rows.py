"""The fault matrix: for each row, a cluster under load, a fault, the healing, and the judge's verdict."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from . import processes
from .checker import Recorder, find_hold_over, judge
from .holdfast import Holdfast

SEATS_PER_ROW = 1000
ROWS = {}


def row(name, needs=()):
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
        self.gap, self.struck = 0.0, []

    def begin(self):
        self.cluster.start()
        self.wait_in_sync()
        self.cluster.create_event("sale", rows=20, seats_per_row=SEATS_PER_ROW)
        self.recorder = Recorder(
            [self.cluster.tcp], "sale", 20 * SEATS_PER_ROW, clients=self.clients, seed=self.seed, think=0.004).start()
        self.more_yeses(200)
        return self

    def cli(self, *words):
        return subprocess.run(
            [os.path.join(self.cluster.binaries, "holdfast"), *map(str, words), "--coordinator", self.cluster.coordinator],
            capture_output=True, text=True, timeout=30)

    def status(self):
        done = self.cli("status", "--json")
        return json.loads(done.stdout) if done.stdout.startswith("{") else {"shards": [], "nodes": []}

    def wait_in_sync(self, timeout=90):
        def in_sync():
            shards = self.status()["shards"]
            return shards and all(shard["primary"] and shard["follower"] for shard in shards)
        began = time.monotonic()
        processes.wait_until("every shard has its follower", in_sync, timeout)
        return time.monotonic() - began

    def wait_digests_agree(self):
        def agree():
            shards = self.status()["shards"]
            return shards and all(
                len(shard["digests"] or {}) == 3 and
                len({value for name, value in shard["digests"].items() if name != "index"}) == 1 for shard in shards)
        processes.wait_until("the digests agree", agree, 60)

    def primary(self):
        """The node that sells: the primary of the event's shard."""
        shard = int(self.cli("event", "shard", "sale").stdout.split()[-1])
        found = processes.wait_until("the shard has a primary", lambda: [
            entry["primary"] for entry in self.status()["shards"] if entry["shard"] == shard and entry["primary"]], 30)
        return found[0]

    def follower(self):
        primary = self.primary()
        return next(name for name in self.cluster.names if name != primary)

    def more_yeses(self, count=200, timeout=60):
        target = self.recorder.yeses() + count
        processes.wait_until(f"{count} more holds", lambda: self.recorder.yeses() >= target, timeout)

    def kill(self, name, how=signal.SIGKILL):
        process = self.cluster.processes[name]
        os.killpg(process.pid, how)
        process.wait()

    def gap_of(self, strike):
        """Strikes, waits until sales go on, and keeps the longest time without a yes."""
        began = time.monotonic()
        strike()
        self.more_yeses(150)
        self.gap = max(self.gap, self.recorder.longest_gap(began, time.monotonic()))

    def finish(self):
        healed = self.wait_in_sync()
        self.more_yeses(100)
        self.recorder.stop()
        problems, counts = judge(self.recorder, find_hold_over(self.cluster.tcp, SEATS_PER_ROW))
        try:
            self.wait_digests_agree()
        except SystemExit as error:
            problems.append(str(error))
        return {**counts, "gap_ms": round(self.gap * 1000), "healed_s": round(healed, 1), "problems": problems}

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


@row("kill -9 of the primary")
def kill_primary(folder, **options):
    run = plain(folder, **options)
    yield run
    for _ in range(run.times):
        victim = run.primary()
        run.gap_of(lambda: run.kill(victim))
        run.cluster.start_node(victim)
        run.wait_in_sync()


@row("kill -9 of the follower")
def kill_follower(folder, **options):
    run = plain(folder, **options)
    yield run
    for _ in range(run.times):
        victim = run.follower()
        run.gap_of(lambda: run.kill(victim))
        run.cluster.start_node(victim)
        run.wait_in_sync()


@row("kill -9 of both nodes, started again")
def kill_both(folder, **options):
    run = plain(folder, **options)
    yield run
    for _ in range(run.times):
        def strike():
            for name in run.cluster.names:
                run.kill(name)
            for name in run.cluster.names:
                run.cluster.start_node(name)
        run.gap_of(strike)
        run.wait_in_sync()


@row("kill -9 of the router, started again")
def kill_router(folder, **options):
    run = plain(folder, **options)
    yield run
    for _ in range(run.times):
        def strike():
            run.kill("router")
            run.cluster.start_router()
        run.gap_of(strike)


@row("SIGSTOP of the primary for 5 s, SIGCONT")
def pause_primary(folder, **options):
    run = plain(folder, **options)
    yield run
    for _ in range(run.times):
        victim = run.cluster.processes[run.primary()]

        def strike():
            os.killpg(victim.pid, signal.SIGSTOP)
            run.struck.append(time.monotonic())
        try:
            run.gap_of(strike)
            time.sleep(max(0, 5 - (time.monotonic() - run.struck[-1])))
        finally:
            os.killpg(victim.pid, signal.SIGCONT)
        run.more_yeses(150)
        run.wait_in_sync()


@row("kill -9 of etcd, started again", needs=["etcd"])
def kill_etcd(folder, **options):
    run = Run(folder, etcd=Etcd(folder), **options).begin()
    yield run
    for _ in range(run.times):
        run.gap_of(lambda: os.killpg(run.etcd.process.pid, signal.SIGKILL))
        run.etcd.process.wait()
        run.more_yeses(300)
        run.etcd.start()


@row("kill -9 of the primary, roles in etcd", needs=["etcd"])
def kill_primary_with_etcd(folder, **options):
    run = Run(folder, etcd=Etcd(folder), **options).begin()
    yield run
    for _ in range(run.times):
        victim = run.primary()
        run.gap_of(lambda: run.kill(victim))
        run.cluster.start_node(victim)
        run.wait_in_sync()


def injected(name, expression, of):
    """A row in which strace injects a fault into one node's system calls: the shipped binary, nothing compiled in."""
    def run_row(folder, **options):
        run = plain(folder, **options)
        yield run
        for turn in range(run.times):
            victim = run.primary() if of == "primary" else run.follower()
            when = run.chance.randint(20, 200)
            run.kill(victim, signal.SIGTERM)
            run.cluster.start_node(victim, wrap=[
                "strace", "-f", "-qq", *([] if "signal=" in expression else ["--seccomp-bpf"]), "-o", "/dev/null", "-e",
                "trace=" + expression.split(":")[0], "-e",
                "inject=" + expression.format(when=when)])
            run.wait_in_sync()
            if of == "primary":
                run.cli("failover", "--node", next(each for each in run.cluster.names if each != victim))
            process = run.cluster.processes[victim]

            def strike():
                processes.wait_until("the fault strikes", lambda: process.poll() is not None, 60)
            run.gap_of(strike)
            run.cluster.start_node(victim)
            run.wait_in_sync()
    row(name, needs=["strace"])(run_row)


injected("fdatasync of the primary fails (EIO)", "fdatasync:error=EIO:when={when}", "primary")
injected("fdatasync of the follower fails (EIO)", "fdatasync:error=EIO:when={when}", "follower")
injected("the primary is killed at its n-th fdatasync", "fdatasync:signal=KILL:when={when}", "primary")
injected("the follower is killed at its n-th log write", "pwrite64,pwritev,writev:signal=KILL:when={when}", "follower")


@row("a disk whose syncs take 30 ms", needs=["strace"])
def slow_disk(folder, **options):
    run = plain(folder, **options)
    yield run
    victim = run.follower()
    run.kill(victim, signal.SIGTERM)
    run.cluster.start_node(victim, wrap=[
        "strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
        "inject=fdatasync:delay_exit=30000"])
    run.wait_in_sync()
    run.gap_of(lambda: run.more_yeses(500))


def damage(name, which, where):
    def run_row(folder, **options):
        run = plain(folder, node_options=["--snapshot-bytes", "100000"], **options)
        yield run
        for _ in range(run.times):
            run.more_yeses(800)
            victim = run.follower()
            run.kill(victim)
            if not strike_file(os.path.join(folder, victim), which, where, run.chance):
                raise SystemExit(f"{name}: nothing to damage in {victim}")
            began = time.monotonic()
            run.cluster.start_node(victim)
            run.wait_in_sync()
            run.gap = max(run.gap, run.recorder.longest_gap(began, time.monotonic()))
    row(name)(run_row)


def strike_file(home, which, where, chance):
    folder = os.path.join(home, "log" if which == "log" else "snapshots")
    files = sorted(each for each in os.listdir(folder) if each.endswith(".seg" if which == "log" else ".snap"))
    sizes = {each: used_bytes(os.path.join(folder, each)) for each in files}
    files = [each for each in files if sizes[each] > 4096] or [each for each in files if sizes[each] > 256]
    if not files:
        return False
    path = os.path.join(folder, files[-1])
    used = sizes[files[-1]]
    if where == "truncated":
        with open(path, "r+b") as file:
            file.truncate(used * 2 // 3)
        return True
    offset = {"head": 200, "middle": used // 2, "tail": used - 40}[where]
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << chance.randrange(8)]))
    return True


def used_bytes(path):
    """Without the zeros that a segment is made with."""
    with open(path, "rb") as file:
        return len(file.read().rstrip(b"\0"))


for place in ("head", "middle", "tail", "truncated"):
    damage(f"bit flip in the follower's log, {place}" if place != "truncated" else "the follower's log cut off", "log", place)
damage("bit flip in the follower's snapshot", "snapshot", "middle")


@row("the wall clock of the primary an hour forward, then back", needs=["faketime"])
def clock(folder, **options):
    stamp = os.path.join(folder, "clock")
    os.makedirs(folder, exist_ok=True)

    def set_clock(offset):
        with open(stamp + ".new", "w") as file:
            file.write(offset + "\n")
        os.rename(stamp + ".new", stamp)
    set_clock("+0s")
    library = subprocess.run(["sh", "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"], capture_output=True, text=True).stdout.strip()
    wrap = ["env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={stamp}", "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1"]
    run = Run(folder, wrap={"n1": wrap}, **options).begin()
    yield run
    status, _, hold = run.cluster.request("POST", "/v1/reserve", {"event": "sale", "buyer": "clock", "best": {"count": 1}, "ttl": 60})
    for offset in ("+3600s", "-3600s", "+0s"):
        run.gap_of(lambda: set_clock(offset))
        found = run.cluster.get(f"/v1/holds/{hold['hold']}")[0] if status == 200 else status
        if found != 200:
            raise SystemExit(f"the hold of 60 s is answered with {found} after the clock moved by {offset}")


@row("restarts in a row")
def restarts(folder, **options):
    run = plain(folder, **options)
    yield run
    for turn in range(run.times * 4):
        victim = run.cluster.names[turn % 2]
        run.kill(victim, signal.SIGKILL if turn % 3 else signal.SIGTERM)
        run.cluster.start_node(victim)
        run.gap_of(lambda: None)
        run.wait_in_sync()


@row("a follower slowed down to a crawl")
def crawl(folder, **options):
    run = plain(folder, **options)
    yield run
    process = run.cluster.processes[run.follower()]

    def strike():
        for _ in range(20):
            os.killpg(process.pid, signal.SIGSTOP)
            time.sleep(0.2)
            os.killpg(process.pid, signal.SIGCONT)
            time.sleep(0.02)
    try:
        run.gap_of(strike)
    finally:
        os.killpg(process.pid, signal.SIGCONT)


@row("a full disk (tmpfs) under the follower", needs=["root"])
def full_disk(folder, **options):
    home = os.path.join(folder, "n2")
    os.makedirs(home)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", home], check=True)
    run = plain(folder, node_options=["--segment-bytes", str(1 << 20)], **options)
    yield run
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
    alone = sum(1 for shard in run.status()["shards"] if shard["follower"] is None)
    if alone == 0 and 503 not in statuses:
        raise SystemExit(f"the disk was never full: {statuses}")
    os.unlink(ballast)


def leave(folder):
    subprocess.run(["umount", "-l", os.path.join(folder, "n2")], stderr=subprocess.DEVNULL)


@row("connections between the nodes are reset", needs=["root", "ss"])
def resets(folder, **options):
    run = plain(folder, **options)
    yield run

    def strike():
        for _ in range(10):
            for port in run.cluster.node_ports.values():
                subprocess.run(["ss", "-K", "dst", "127.0.0.1", "dport", "=", str(port)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
            time.sleep(0.1)
    run.gap_of(strike)


def network(folder, etcd=False, **options):
    """Two nodes on two hosts (network namespaces joined by a bridge), router and buyers on a third: all inside a namespace that this
    process was started in."""
    tag = f"hf{os.getpid()}"
    def do(*words):
        subprocess.run([str(word) for word in words], check=True)
    do("ip", "link", "set", "lo", "up")
    do("ip", "link", "add", "bridge0", "type", "bridge")
    do("ip", "addr", "add", "10.77.0.254/24", "dev", "bridge0")
    do("ip", "link", "set", "bridge0", "up")
    hosts, wrap = {}, {}
    for number, name in enumerate(("n1", "n2"), 1):
        namespace = f"{tag}-{name}"
        do("ip", "netns", "add", namespace)
        do("ip", "link", "add", f"veth{number}", "type", "veth", "peer", "name", "eth0", "netns", namespace)
        do("ip", "link", "set", f"veth{number}", "master", "bridge0", "up")
        do("ip", "-n", namespace, "link", "set", "lo", "up")
        do("ip", "-n", namespace, "link", "set", "eth0", "up")
        do("ip", "-n", namespace, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
        hosts[name], wrap[name] = f"10.77.0.{number}", ["ip", "netns", "exec", namespace]
    os.makedirs(folder, exist_ok=True)
    run = Run(folder, hosts=hosts, wrap=wrap, etcd=Etcd(folder, "10.77.0.254") if etcd else None, **options)
    run.namespaces = {name: f"{tag}-{name}" for name in hosts}
    return run


def nft(namespace, *lines):
    text = "flush ruleset\n"
    if lines:
        text += "table inet cut {\n" + "".join(lines) + "}\n"
    subprocess.run(["ip", "netns", "exec", namespace, "nft", "-f", "-"], input=text, text=True, check=True)


def dropping(chain, address):
    match = "saddr" if chain == "input" else "daddr"
    return f"chain {chain} {{ type filter hook {chain} priority 0; ip {match} {address} {'drop'}; }}\n"


def partition(name, rules, etcd=False):
    """`rules(primary, follower, hosts)` gives what is dropped in which node's namespace. `etcd`: roles live on the third host."""
    def run_row(folder, **options):
        run = network(folder, etcd, **options).begin()
        yield run
        try:
            for _ in range(run.times):
                primary = run.primary()
                follower = next(each for each in run.cluster.names if each != primary)

                def strike():
                    for who, lines in rules(primary, follower, run.cluster.hosts).items():
                        nft(run.namespaces[who], *lines)
                run.gap_of(strike)
                run.more_yeses(300)
                for namespace in run.namespaces.values():
                    nft(namespace)
                run.wait_in_sync()
        finally:
            run.cleanup = lambda: [
                subprocess.run(["ip", "netns", "del", namespace]) for namespace in run.namespaces.values()]
    row(name, needs=["root", "ip", "nft", "unshare", "netns", *(["etcd"] if etcd else [])])(run_row)


partition("the nodes cannot hear each other", lambda primary, follower, hosts: {
    primary: [dropping("input", hosts[follower]), dropping("output", hosts[follower])]})
partition("one way: the follower does not hear the primary", lambda primary, follower, hosts: {
    follower: [dropping("input", hosts[primary])]})
partition("one way: the primary does not hear the follower", lambda primary, follower, hosts: {
    primary: [dropping("input", hosts[follower])]})
partition("the primary is cut off from everybody", lambda primary, follower, hosts: {
    primary: [dropping("input", "10.77.0.0/24"), dropping("output", "10.77.0.0/24")]}, etcd=True)
partition("30 % of the packets between the nodes are lost", lambda primary, follower, hosts: {
    primary: [f"chain input {{ type filter hook input priority 0; ip saddr {hosts[follower]} numgen random mod 100 < 30 drop; }}\n"]})


def have(needs):
    for need in needs:
        if need == "netns":
            continue
        if need == "root":
            if os.getuid() != 0:
                return False
        elif need == "faketime":
            if not shutil.which("faketime"):
                return False
        elif not shutil.which(need):
            return False
    return True


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
        return {"acknowledged": 0, "lost": 0, "doubled": 0, "unknown": 0, "gap_ms": 0, "healed_s": 0,
                "problems": [str(error)]}
    finally:
        if run is not None:
            run.end()
            getattr(run, "cleanup", lambda: None)()
        leave(folder)


def carry_out_apart(name, folder, options):
    """The same in a process of its own, in a network namespace of its own."""
    os.makedirs(folder, exist_ok=True)
    request = {"name": name, "folder": folder, "options": options}
    code = ("import json, sys; sys.path.insert(0, sys.argv[1]); from lib import fault_rows; "
            "request = json.loads(sys.argv[2]); "
            "print('RESULT' + json.dumps(fault_rows.carry_out(request['name'], request['folder'], True, **request['options'])))")
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", code, os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
         json.dumps(request)], capture_output=True, text=True, timeout=600)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT"):
            return json.loads(line[6:])
    return {"acknowledged": 0, "lost": 0, "doubled": 0, "unknown": 0, "gap_ms": 0, "healed_s": 0,
            "problems": [(done.stderr or done.stdout)[-2000:]]}
