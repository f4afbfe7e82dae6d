"""The parts of the comparison that look at nodes alone: memory, the router's protocol, recovery, replication lag. Each on a cluster
of its own, because each wants an empty process or a log of its own."""

import glob
import json
import os
import shutil
import signal
import subprocess
import time

from . import drivers, processes
from .holdfast import Holdfast

BATCH, IN_FLIGHT = 8000, 4


def hall(cluster, name, seats):
    """An event of rows of a thousand seats, whose holds outlast any measurement."""
    status, _, answer = cluster.request("POST", "/v1/events", {
        "id": name, "name": name, "hold_ttl": 7200, "sections": [
            {"name": "Main", "rows": seats // 1000, "seats_per_row": 1000, "price": 4500}]}, timeout=120)
    if status != 201:
        raise SystemExit(f"the event was not made: {answer}")
    return name


def hold(cluster, event, holds, seed=1):
    return drivers.load_tool(
        "--native", cluster.coordinator, "--event", event, "--batch", BATCH, "--in-flight", IN_FLIGHT, "--holds", holds,
        "--seed", seed)


def held(cluster, event):
    return cluster.get(f"/v1/events/{event}/availability?read=strong", timeout=60)[2]["held"]


def resident(cluster):
    """The larger of the nodes' resident sets: each has a copy."""
    def bytes_of(pid):
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return max(bytes_of(cluster.processes[name].pid) for name in cluster.names)


def memory(comparison, seats=2_000_000, table_seats=10_000_000):
    """One-seat holds under keys that a router made, each for a buyer of eight bytes: inside the minute for which keys are remembered, and
    once they are forgotten. Redis: a key with a value of eight bytes and an expiry for each seat, by its own count of used memory, which
    leaves its allocator's losses out; Holdfast: what the kernel says is resident."""
    table, redis = comparison.table, comparison.redis
    cluster = Holdfast(os.path.join(comparison.folder, "memory")).start()
    try:
        start = resident(cluster)
        hall(cluster, "table", table_seats)
        time.sleep(1)
        table.add(f"bytes a free seat, of {table_seats // 1_000_000} million", "holdfast", (resident(cluster) - start) / table_seats)
        event = hall(cluster, "memory", seats)
        # What is fixed (frames kept for a replica that catches up, buffers) is there before the count begins.
        warm = hall(cluster, "warm", 400_000)
        hold(cluster, warm, 400_000)
        before = resident(cluster)
        hold(cluster, event, seats, seed=2)
        comparison.check("memory", seats, held(cluster, event))
        table.add("bytes a held seat, keys within their minute", "holdfast", (resident(cluster) - before) / seats)
        # Keys go by slices of four seconds, a while after their minute; an idle node then gives memory back.
        deadline, least = time.time() + 90, resident(cluster)
        while time.time() < deadline:
            time.sleep(2)
            least = min(least, resident(cluster))
        # The warm-up's keys go as well: they were in the figure before.
        after = least + 400_000 * KEY_BYTES
        table.add("bytes a held seat, keys forgotten", "holdfast", (after - before) / seats)
    finally:
        cluster.stop()
    redis.flush()
    start = redis.memory()
    drivers.redis_benchmark(
        redis.port, ["SET", "seat:__rand_int__", "b0000001", "NX", "EX", 7200], seats, 64, keyspace=10**11)
    each = (redis.memory() - start) / seats
    redis.flush()
    for row in ("bytes a held seat, keys within their minute", "bytes a held seat, keys forgotten"):
        table.add(row, "Redis", each)


# What a router's key takes beside the hold itself (bench/thresholds.json).
KEY_BYTES = 24


def native(comparison):
    cluster = Holdfast(os.path.join(comparison.folder, "native")).start()
    try:
        for number in range(max(1, comparison.options.rounds)):
            event = hall(cluster, f"native-{number}", 1_000_000)
            found = hold(cluster, event, 1_000_000, seed=number)
            comparison.check("holds over the router's protocol", found["ok"], held(cluster, event))
            comparison.table.add("one-seat holds/s, batches of 8,000 over the router's protocol", "holdfast", found["rate"])
    finally:
        cluster.stop()


def recovery(comparison, records=None):
    """A log of so many one-seat holds, then a start that verifies and replays it; then one from a snapshot."""
    records = records or comparison.options.recovery_records
    folder = os.path.join(comparison.folder, "recovery")
    cluster = Holdfast(folder, nodes=1, node_options=["--snapshot-bytes", str(1 << 40)]).start()
    try:
        part = min(records, 10_000_000)
        for number in range(records // part):
            hold(cluster, hall(cluster, f"recovery-{number}", part), part, seed=number)
        found = restart(cluster)
        if found["replayed"] < records:
            comparison.problems.append(f"recovery: {found['replayed']} of {records} records replayed")
        seconds = (found["verify_ms"] + found["load_ms"]) / 1000
        comparison.table.add("records/s from the log: verify and replay", "holdfast", found["replayed"] / seconds)
        comparison.table.add("seconds to recover from the log", "holdfast", seconds)
        comparison.table.add("bytes of log a hold", "holdfast", found["bytes"] / found["records"])

        cluster.node_options = ["--snapshot-bytes", "4096"]
        restart(cluster)
        # A few more in the same shard, so that it is snapshotted.
        home = shard_of("recovery-0", cluster.shards)
        name = next(f"more-{number}" for number in range(10_000) if shard_of(f"more-{number}", cluster.shards) == home)
        hold(cluster, hall(cluster, name, 1_000), 1_000)
        processes.wait_until("a snapshot has its name", lambda: [
            path for path in glob.glob(os.path.join(folder, "n1", "snapshots", "*.snap"))
            if os.path.getsize(path) > part * 8], 120)
        found = restart(cluster)
        comparison.table.add("holds/s from a snapshot", "holdfast", found["holds"] / (found["load_ms"] / 1000))
    finally:
        cluster.stop()


def shard_of(event, shards):
    """CRC32C of the event's id, modulo the number of shards."""
    crc = 0xFFFFFFFF
    for byte in event.encode():
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF) % shards


def restart(cluster, name="n1"):
    """Kills a node, starts it again, and returns what it says about its log."""
    path = os.path.join(cluster.folder, name + ".log")
    cluster.processes[name].send_signal(signal.SIGKILL)
    cluster.processes[name].wait()
    seen = said(path)
    cluster.start_node(name)
    processes.wait_until("the log is read", lambda: len(said(path)) > len(seen), 300, cluster.processes[name])
    cluster.wait_ready(120)
    return said(path)[-1]


def said(path):
    with open(path, errors="replace") as file:
        return [json.loads(line) for line in file if '"the log is read"' in line]


def lag(comparison, holds=3_000_000):
    """How far the follower is behind while a primary takes all that it can, and how long a batch waits for both disks."""
    cluster = Holdfast(os.path.join(comparison.folder, "lag")).start()
    try:
        event = hall(cluster, "lag", holds)
        tool = subprocess.Popen(
            [os.path.join(processes.ROOT, ".build", "release", "holdfast-load"), "--native", cluster.coordinator, "--event", event,
             "--batch", str(BATCH), "--in-flight", str(IN_FLIGHT), "--holds", str(holds), "--json"],
            stdout=subprocess.PIPE, text=True)
        behind = []
        while tool.poll() is None:
            answer = subprocess.run(
                [os.path.join(processes.ROOT, ".build", "release", "holdfast"), "status", "--json", "--coordinator", cluster.coordinator],
                capture_output=True, text=True)
            try:
                shards = json.loads(answer.stdout)["shards"]
                behind.append(max((s["primary_index"] or 0) - (s["follower_index"] or 0) for s in shards))
            except (ValueError, KeyError, TypeError):
                pass
            time.sleep(0.1)
        found = json.loads(tool.stdout.read())
        for value in behind:
            comparison.table.add("records that the follower is behind, full load", "holdfast", max(0, value))
        comparison.table.add("ms from a batch's sending to its last answer, p50, full load", "holdfast", found["p50_ms"])
        comparison.table.add("ms from a batch's sending to its last answer, p99, full load", "holdfast", found["p99_ms"])
    finally:
        cluster.stop()
        shutil.rmtree(cluster.folder, ignore_errors=True)
