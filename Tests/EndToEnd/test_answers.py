"""What strangers send must not take memory without bound, move roles, or keep buyers waiting: real processes, small abuses that were once enough."""

import contextlib
import io
import socket
import struct
import threading
import time
import unittest

from common import FailoverCase, release_folder
from lib import strangers
from lib.resp import Resp
from lib.strangers import Memory, command

MIB = 1 << 20
LIMIT = 64 * MIB


def roles(shards):
    return [(shard["epoch"], shard["primary"], shard["follower"]) for shard in shards]


class Strangers(FailoverCase):
    options = {"shards": 4}

    def setUp(self):
        self.clients = []
        self.before = roles(self.wait_in_sync())

    def tearDown(self):
        for client in self.clients:
            client.close()

    def connect(self, port, count):
        for _ in range(count):
            self.clients.append(socket.create_connection(("127.0.0.1", port), timeout=10))
        return self.clients[-count:]

    def events(self, name):
        """A large event, and a small one of the same shard."""
        self.cluster.create_event(name, 1000, 1000)
        shard = int(self.admin("event", "shard", name).stdout.split()[-1])
        number = 0
        while int(self.admin("event", "shard", f"{name}-{number}").stdout.split()[-1]) != shard:
            number += 1
        self.cluster.create_event(f"{name}-{number}", 10, 1000)
        return name, f"{name}-{number}"

    def buy(self, event, count, first=0):
        """Holds one seat after the other; the longest took so many seconds."""
        client, longest = self.cluster.resp(), 0.0
        try:
            for seat in range(first, first + count):
                began = time.monotonic()
                client.call("HOLD", event, "buyer", 600, f"#{seat}")
                longest = max(longest, time.monotonic() - began)
        finally:
            client.close()
        return longest

    def assert_bounded(self, memory):
        memory.stop()
        for name, most in memory.most.items():
            self.assertLess(most - memory.idle[name], LIMIT, f"{name}: {(most - memory.idle[name]) / MIB:.0f} MiB more")

    def assert_nothing_moved(self):
        self.assertEqual(roles(self.status()["shards"]), self.before)

    def test_pipelines_of_large_answers_that_nobody_reads(self):
        large, small = self.events("unread")
        self.buy(small, 10)
        client = self.cluster.resp()
        client.call("SEATS", large)
        client.close()
        memory = Memory(self.cluster)
        for client in self.connect(self.cluster.tcp, 10):
            client.sendall(command("SEATS", large) * 200)
        longest = self.buy(small, 300, first=10)
        time.sleep(1)
        self.assert_bounded(memory)
        self.assert_nothing_moved()
        self.assertLess(longest, 5, "a buyer's hold waited for a stranger's answers")
        # They are answered all the same, in order, as fast as they are read.
        with self.clients[0].makefile("rb") as answers:
            self.assertEqual(answers.readline(), b"*1000\r\n")

    def test_a_read_sees_what_stands_before_it_in_a_pipeline_and_not_what_stands_behind(self):
        large, _ = self.events("pipeline")
        client = Resp(self.cluster.tcp)
        client.send("HOLD", large, "a", 600, "#0")
        client.send("SEATS", large)
        client.send("HOLD", large, "a", 600, "#1")
        client.send("SEATS", large)
        client.read()
        first = client.read()
        client.read()
        second = client.read()
        client.close()
        self.assertEqual((first[0][2][:3], second[0][2][:3]), ("h..", "hh."))

    def test_a_copy_that_is_asked_for_by_many_at_once(self):
        large, small = self.events("cold")
        memory = Memory(self.cluster)
        for client in self.connect(self.cluster.http, 100):
            client.sendall(f"GET /v1/events/{large}/seats?read=strong HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        self.buy(small, 100)
        for client in self.clients:
            self.assertTrue(client.recv(32).startswith(b"HTTP/1.1 200"))
        memory.stop()
        for name in self.cluster.names:
            self.assertLess(memory.most[name] - memory.idle[name], LIMIT)
        self.assert_nothing_moved()

    def test_half_of_a_frame_at_a_nodes_port_is_not_kept(self):
        memory = Memory(self.cluster)
        head = struct.Struct("<HBBHHII")
        closed = []

        def send(client, kind):
            try:
                client.sendall(head.pack(0x4648, 2, kind, 0, 0, 60_000_000, 0) + bytes(30_000_000))
                client.settimeout(10)
                if client.recv(1) == b"":
                    closed.append(kind)
            except OSError:
                closed.append(kind)
        # A hello, a batch of requests, a peer's messages, an operator's request: none may be so large from somebody unknown.
        kinds = [1, 3, 7, 8, 9, 9, 9, 9]
        threads = [threading.Thread(target=send, args=pair)
                   for pair in zip(self.connect(self.cluster.node_ports["n1"], len(kinds)), kinds)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(closed), sorted(kinds))
        self.assert_bounded(memory)
        self.assert_nothing_moved()

    def test_a_router_of_another_cluster_is_no_router(self):
        client = self.connect(self.cluster.node_ports["n1"], 1)[0]
        body = struct.pack("<QQQH", 1, 2, 3, 0)
        head = struct.pack("<HBBHHI", 0x4648, 2, 1, 0, 0, len(body))
        client.sendall(head + struct.pack("<I", crc32c(head + body)) + body)
        with self.assertRaises((ConnectionError, AssertionError)):
            self.assertNotEqual(client.recv(1), b"", "closed")

    def test_halves_of_small_frames_end_in_time(self):
        clients = self.connect(self.cluster.node_ports["n1"], 4)
        for client in clients:
            client.sendall(struct.pack("<HBBHHII", 0x4648, 2, 9, 0, 0, 1_000, 0) + bytes(100))
        for client in clients:
            client.settimeout(15)
            self.assertEqual(client.recv(1), b"", "a half-sent request of an operator has no time for ever")


class Bench(unittest.TestCase):
    def test_a_row_of_the_bench(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            figures = strangers.run("half-frames", 1, 0, release_folder())
        self.assertEqual(out.getvalue().count("|"), 12)
        self.assertLess(figures["node"], LIMIT)
        self.assertEqual((figures["moved"], figures["errors"]), (0, {}))


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


if __name__ == "__main__":
    unittest.main()
