"""Counts that repeat, whatever else the machine does: allocations a request, system calls a batch, bytes of log a hold, bytes a seat.
`bench/thresholds.json` says how large each may be."""

import http.client
import json
import os
import shutil
import statistics
import struct
import subprocess
import time

from . import processes
from .faults_disks import used_bytes
from .holdfast import Holdfast

# No heartbeat falls into a measurement.
QUIET = ["--failure-timeout", "60000", "--heartbeat", "10000"]
BATCH, BATCHES, REQUESTS, PARTS, SEATS = 100, 200, 400, 5, 1_000_000


def thresholds():
    """The limits of what is counted here; Swift's tests have their own in the same file."""
    with open(os.path.join(processes.ROOT, "bench", "thresholds.json")) as file:
        return {name: limit for name, limit in json.load(file).items() if not name.startswith("Swift test: ")}


def compiler():
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return name
    swift = shutil.which("swift", path=os.environ["PATH"] + ":/opt/swift/usr/bin")
    return os.path.join(os.path.dirname(os.path.realpath(swift)), "clang")


class Counted(Holdfast):
    """One loop everywhere, and roles that stay: n1 sells, n2 follows."""

    def __init__(self, folder, wrap, **options):
        os.makedirs(folder, exist_ok=True)
        super().__init__(folder, shards=1, loops=1, node_options=QUIET,
                         wrap={name: wrap(name) for name in ("n1", "n2", "router")}, **options)

    def begin(self, event="counts"):
        self.start()
        cli = [os.path.join(self.binaries, "holdfast"), "status", "--json", "--coordinator", self.coordinator]

        def in_sync():
            done = subprocess.run(cli, capture_output=True, text=True)
            shards = json.loads(done.stdout)["shards"] if done.stdout.startswith("{") else []
            return shards and shards[0]["primary"] and shards[0]["follower"] and shards[0]["primary"]
        self.primary = processes.wait_until("the shard has two copies", in_sync, 60)
        self.roles = {"router": "router", "primary": self.primary, "follower": "n2" if self.primary == "n1" else "n1"}
        self.create_event(event, 1000, 1000)
        self.next = 0
        return self

    def batches(self, count, event="counts"):
        """Holds of one seat each, a hundred in one write, and all replies before the next."""
        client = self.resp()
        for _ in range(count):
            words = [["HOLD", event, "buyer-1", 600, f"#{self.next + number:06d}"] for number in range(BATCH)]
            self.next += BATCH
            client.socket.sendall(b"".join(
                b"*%d\r\n" % len(each) + b"".join(b"$%d\r\n%s\r\n" % (len(str(word)), str(word).encode()) for word in each)
                for each in words))
            for _ in words:
                client.read()
        client.close()

    def requests(self, count, event="counts"):
        """`POST /v1/reserve` of one seat, one after the other, on one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=30)
        for _ in range(count):
            body = json.dumps({"event": event, "buyer": "buyer-1", "seats": [f"#{self.next:06d}"]})
            self.next += 1
            connection.request("POST", "/v1/reserve", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise SystemExit(f"a hold was refused: {answer.status} {text}")
        connection.close()

    def log_bytes(self, name):
        folder = os.path.join(self.folder, name, "log")
        return sum(used_bytes(os.path.join(folder, each)) for each in os.listdir(folder))


def measure(folder, binaries=None):
    """All counts by name."""
    return {**allocations(os.path.join(folder, "allocations"), binaries), **system_calls(os.path.join(folder, "calls"), binaries)}


def per_unit(roles, read, work, units):
    """How much of a count each role spends on a unit of work that is done in parts: the median, which a batch that was split does not
    move, without what the process does anyway in that time (it looks at the map, at its timers)."""
    def now():
        return time.monotonic(), {role: read(role) for role in roles}

    def since(before):
        moment, values = now()
        return moment - before[0], {role: values[role] - before[1][role] for role in roles}
    begin = now()
    time.sleep(1)
    idle_seconds, idle = since(begin)
    parts = {role: [] for role in roles}
    for _ in range(PARTS):
        begin = now()
        work()
        seconds, spent = since(begin)
        for role in roles:
            parts[role].append((spent[role] - idle[role] * seconds / idle_seconds) / units)
    return {role: statistics.median(values) for role, values in parts.items()}


def allocations(folder, binaries):
    os.makedirs(folder, exist_ok=True)
    library = os.path.join(folder, "allocations.so")
    subprocess.run([compiler(), "-O2", "-fPIC", "-shared", "-o", library,
                    os.path.join(os.path.dirname(os.path.abspath(__file__)), "allocations.c")], check=True)
    path = {name: os.path.join(folder, name + ".count") for name in ("n1", "n2", "router")}
    cluster = Counted(folder, lambda name: ["env", f"LD_PRELOAD={library}", f"COUNT_ALLOCATIONS={path[name]}"], binaries=binaries)

    def read(role):
        with open(path[cluster.roles[role]], "rb") as file:
            return struct.unpack("<Qq", file.read(16))

    def during(work, holds):
        """Allocations of each process, and bytes that the primary keeps and logs, for each hold of some work."""
        log, start = cluster.log_bytes(cluster.primary), read("primary")[1]
        calls = per_unit(cluster.roles, lambda role: read(role)[0], work, holds)
        units = holds * PARTS
        return calls, (read("primary")[1] - start) / units, (cluster.log_bytes(cluster.primary) - log) / units
    try:
        cluster.begin()
        cluster.requests(200)
        cluster.batches(20)
        single, _, log_single = during(lambda: cluster.requests(REQUESTS // PARTS), REQUESTS // PARTS)
        batch, kept, log_batch = during(lambda: cluster.batches(BATCHES // PARTS), BATCHES // PARTS * BATCH)
        before = {role: read(role)[1] for role in cluster.roles}
        cluster.create_event("second", 1000, SEATS // 1000)
        found = {"bytes of log a hold, one at a time": log_single, f"bytes of log a hold, {BATCH} at a time": log_batch,
                 f"bytes of the primary's memory a hold, {BATCHES * BATCH:,} of them": kept}
        for role in cluster.roles:
            found[f"allocations a POST /v1/reserve, {role}"] = single[role]
            found[f"allocations a HOLD, {BATCH} at a time, {role}"] = batch[role]
        for role in ("primary", "router"):
            found[f"bytes of memory a seat, {role}"] = (read(role)[1] - before[role]) / SEATS
        return found
    finally:
        cluster.stop()


def system_calls(folder, binaries):
    """strace writes a line for each call; those of a fixed load are counted."""
    trace = {name: os.path.join(folder, name + ".strace") for name in ("n1", "n2", "router")}
    cluster = Counted(folder, lambda name: ["strace", "-f", "-qq", "-o", trace[name]], binaries=binaries)

    def lines(role):
        with open(trace[cluster.roles[role]], errors="replace") as file:
            return sum(1 for line in file if "resumed>" not in line and "+++" not in line and "---" not in line)
    try:
        cluster.begin()
        cluster.batches(10)
        cluster.requests(10)
        found = {}
        for what, work, count in (
                (f"a batch of {BATCH} HOLDs", cluster.batches, BATCHES // 2 // PARTS),
                ("a POST /v1/reserve", cluster.requests, REQUESTS // 2 // PARTS)):
            for role, value in per_unit(cluster.roles, lines, lambda: work(count), count).items():
                found[f"system calls {what}, {role}"] = value
        return found
    finally:
        cluster.stop()


def over(found, limits):
    """What is over its limit, and by how much; what has none; as sentences."""
    out = []
    for name, value in found.items():
        if name not in limits:
            out.append(f"{name}: {value:.2f}, and bench/thresholds.json says no limit")
        elif value > limits[name]:
            out.append(f"{name}: {value:.2f}, {value - limits[name]:.2f} ({100 * value / limits[name] - 100:.0f} %) over its limit of "
                       f"{limits[name]}")
    return out
