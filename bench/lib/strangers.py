"""Abuses of a cluster, and what they do to everybody else: see bench/strangers."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import threading
import time

from . import processes
from .holdfast import Holdfast
from .resp import Resp, RespError


def resident(pid):
    """Bytes of a process in memory; 0: it is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) << 10
    except OSError:
        pass
    return 0


class Memory:
    """The most that each process had, looked at every 20 ms."""

    def __init__(self, cluster):
        self.pids = {name: process.pid for name, process in cluster.processes.items()}
        self.idle = self.now()
        self.most = dict(self.idle)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def now(self):
        return {name: resident(pid) for name, pid in self.pids.items()}

    def watch(self):
        while not self.ended.wait(0.02):
            for name, value in self.now().items():
                self.most[name] = max(self.most[name], value)

    def stop(self):
        self.ended.set()
        self.thread.join()

    def more(self, values=None):
        """Bytes beyond idle: of the node that had most, and of the router."""
        values = values or self.most
        grown = {name: value - self.idle[name] for name, value in values.items()}
        return max(value for name, value in grown.items() if name != "router"), grown["router"]


class Buyers:
    """Each holds one free seat after the other."""

    def __init__(self, cluster, event, count=4):
        self.cluster, self.event, self.count = cluster, event, count
        self.times, self.errors, self.lock = [], {}, threading.Lock()
        self.next, self.ended, self.threads = 0, threading.Event(), []

    def start(self):
        self.threads = [threading.Thread(target=self.buy, args=(number,), daemon=True) for number in range(self.count)]
        for thread in self.threads:
            thread.start()
        return self

    def buy(self, number):
        client = None
        while not self.ended.is_set():
            with self.lock:
                seat, self.next = self.next, self.next + 1
            began = time.monotonic()
            error = None
            try:
                client = client or Resp(self.cluster.tcp, timeout=20)
                client.call("HOLD", self.event, f"buyer{number}", 3600, f"#{seat}")
            except RespError as refusal:
                error = str(refusal).split()[0]
            except OSError as failure:
                error, client = type(failure).__name__, None
            with self.lock:
                self.times.append((began, time.monotonic() - began))
                if error:
                    self.errors[error] = self.errors.get(error, 0) + 1

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(30)

    def percentile(self, begin, end, share=0.99):
        """Milliseconds, of the holds that were asked for in this time; None: there were none."""
        with self.lock:
            times = sorted(took for began, took in self.times if begin <= began < end)
        return times[min(len(times) - 1, int(len(times) * share))] * 1000 if times else None


class Arena:
    """A cluster with an event that is abused and one of the same shard where buyers buy."""

    def __init__(self, binaries=None, rows=1000, seats_per_row=1000, **options):
        self.folder = processes.temporary_folder("strangers")
        self.cluster = Holdfast(self.folder, binaries=binaries, **{"shards": 4, **options}).start()
        processes.wait_until("every shard has its follower", self.in_sync, 30)
        self.event = "abused"
        self.cluster.create_event(self.event, rows, seats_per_row)
        shard, number = self.shard(self.event), 0
        while self.shard(f"sale{number}") != shard:
            number += 1
        self.sale = f"sale{number}"
        self.cluster.create_event(self.sale, 1000, 1000)

    def admin(self, *arguments):
        done = subprocess.run([os.path.join(self.cluster.binaries, "holdfast"), *arguments, "--coordinator",
                               self.cluster.coordinator], capture_output=True, text=True, timeout=60)
        return done.stdout

    def status(self):
        try:
            return json.loads(self.admin("status", "--json"))["shards"]
        except ValueError:
            return []

    def in_sync(self):
        shards = self.status()
        return shards and all(shard["primary"] and shard["follower"] for shard in shards)

    def epochs(self):
        return sum(shard["epoch"] or 0 for shard in self.status())

    def shard(self, event):
        return int(self.admin("event", "shard", event).split()[-1])

    def stop(self):
        self.cluster.stop()


def connect(port):
    client = socket.create_connection(("127.0.0.1", port), timeout=5)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return client


def command(*words):
    out = b"*%d\r\n" % len(words)
    for word in words:
        data = str(word).encode()
        out += b"$%d\r\n%s\r\n" % (len(data), data)
    return out


def send_all(clients, data):
    """Sends as much of `data` on each as is taken at once, or within a second."""
    for client in clients:
        client.settimeout(1)
        with contextlib.suppress(OSError):
            client.sendall(data)


# Each abuse begins, and returns what must stay open while it goes on.

def nothing(arena):
    return []


def seats_unread(arena, connections=10, commands=200):
    clients = [connect(arena.cluster.tcp) for _ in range(connections)]
    send_all(clients, command("SEATS", arena.event) * commands)
    return clients


def many_seats_unread(arena):
    return seats_unread(arena, 50, 2_000)


def strong_reads(arena):
    clients = [connect(arena.cluster.http) for _ in range(200)]
    send_all(clients, f"GET /v1/events/{arena.event}/seats?read=strong HTTP/1.1\r\nHost: h\r\n\r\n".encode() * 20)
    return clients


def cold_copy(arena):
    clients = [connect(arena.cluster.http) for _ in range(150)]
    send_all(clients, f"GET /v1/events/{arena.event}/seats HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    return clients


def first_best(arena):
    clients = [connect(arena.cluster.tcp) for _ in range(8)]
    send_all(clients, b"".join(command("HOLD.BEST", arena.event, "stranger", 60, count) for count in range(2, 34)))
    return clients


def slow_readers(arena):
    arena.cluster.get(f"/v1/events/{arena.event}/seats")
    clients = [connect(arena.cluster.http) for _ in range(200)]
    send_all(clients, f"GET /v1/events/{arena.event}/seats HTTP/1.1\r\nHost: h\r\n\r\n".encode() * 4)
    return clients


def unfinished_bodies(arena):
    clients = [connect(arena.cluster.http) for _ in range(40)]
    head = b"POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (30 << 20)
    send_all(clients, head + b"[" * (6 << 20))
    return clients


def half_frames(arena, kind=9):
    """At a node's own port: frames of 60 MB, of which 50 come."""
    clients = [connect(arena.cluster.node_ports["n1"]) for _ in range(8)]
    send_all(clients, struct.pack("<HBBHHII", 0x4648, 2, kind, 0, 0, 60_000_000, 0) + bytes(50_000_000))
    return clients


ROWS = {
    "nothing": (nothing, "buyers alone"),
    "seats-unread": (seats_unread, "10 x 200 SEATS of a million seats, unread"),
    "seats-unread-50": (many_seats_unread, "50 x 2,000 SEATS of a million seats, unread"),
    "strong-reads": (strong_reads, "200 x 20 GET .../seats?read=strong of a million seats, unread"),
    "cold-copy": (cold_copy, "150 first GET .../seats of ten million seats at once"),
    "first-best": (first_best, "8 x 32 HOLD.BEST, the first ever, on 100,000 rows of 100"),
    "slow-readers": (slow_readers, "200 x 4 GET .../seats of a million seats from the copy, unread"),
    "unfinished": (unfinished_bodies, "40 bodies of 30 MiB, of which 6 MiB come"),
    "half-frames": (half_frames, "8 frames of 60 MB at a node's port, of which 50 MB come"),
}
SHAPES = {"cold-copy": (100_000, 100), "first-best": (100_000, 100)}


def print_head():
    print("| abuse | node, MiB more at most | router | a while later: node | router | buyers' p99 before, ms | meanwhile | "
          "holds/s before | meanwhile | epochs moved | buyers' errors |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |", flush=True)


def run(name, seconds, settle, binaries=None):
    """Prints one row; returns its figures."""
    begin_abuse, text = ROWS[name]
    rows, seats_per_row = SHAPES.get(name, (1000, 1000))
    arena = Arena(binaries, rows, seats_per_row)
    buyers, clients = Buyers(arena.cluster, arena.sale), []
    try:
        # A status that does not come is no epoch 0.
        processes.wait_until("every shard has its follower", arena.in_sync, 30)
        epochs = arena.epochs()
        buyers.start()
        quiet = min(4.0, seconds)
        time.sleep(quiet)
        # Idle is: with buyers, whose seats take memory too.
        memory = Memory(arena.cluster)
        began = time.monotonic()
        clients = begin_abuse(arena)
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        ended = time.monotonic()
        memory.stop()
        for client in clients:
            client.close()
        buyers.stop()
        time.sleep(settle)
        node, router = memory.more()
        later_node, later_router = memory.more(memory.now())
        figures = {
            "node": node, "router": router, "later_node": later_node, "later_router": later_router,
            "p99_before": buyers.percentile(began - quiet, began), "p99": buyers.percentile(began, ended),
            "rate_before": sum(began - quiet <= at < began for at, _ in buyers.times) / quiet,
            "rate": sum(began <= at < ended for at, _ in buyers.times) / (ended - began),
            "moved": arena.epochs() - epochs, "errors": buyers.errors,
        }
    finally:
        for client in clients:
            client.close()
        buyers.ended.set()
        arena.stop()
    mib = [f"{figures[key] / (1 << 20):,.0f}" for key in ("node", "router", "later_node", "later_router")]
    times = [f"{figures[key]:,.1f}" if figures[key] is not None else "none" for key in ("p99_before", "p99")]
    rates = [f"{figures[key]:,.0f}" for key in ("rate_before", "rate")]
    errors = ", ".join(f"{count} {kind}" for kind, count in sorted(figures["errors"].items())) or "none"
    print("| " + " | ".join([text, *mib, *times, *rates, str(figures["moved"]), errors]) + " |", flush=True)
    return figures
