"""What a router takes has bounds, whatever strangers send, and buyers do not notice."""

import http.client
import json
import socket
import threading
import time
import unittest

from common import ClusterCase
from lib import processes
from lib.resp import RespError

MIB = 1 << 20


class RouterMemory(ClusterCase):
    options = {
        "shards": 4, "loops": 1,
        "router_options": ["--input-memory", "32", "--output-memory", "24", "--copy-memory", "64"],
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.create_event("small", rows=10, seats_per_row=100)
        # A million seats: a map of 1 MB.
        cls.cluster.create_event("wide", rows=1000, seats_per_row=1000)
        cls.cluster.get("/v1/events/small/seats")

    def resident(self):
        with open(f"/proc/{self.cluster.processes['router'].pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) << 10

    def metric(self, name):
        text = self.cluster.get("/metrics")[2]
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name) and line[len(name)] in " {")

    def connect(self, port=None, receive_buffer=None):
        client = socket.socket()
        self.addCleanup(client.close)
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(60)
        client.connect(("127.0.0.1", port or self.cluster.http))
        return client

    def buys(self, seat):
        """A buyer is served."""
        client = self.cluster.resp()
        try:
            client.call("HOLD", "small", "buyer", 600, f"#{seat}")
        finally:
            client.close()

    def test_commands_between_multi_and_exec(self):
        """What is queued is input that was not worked off: it is counted, and over the bound the oldest go."""
        closed = self.metric("holdfast_router_input_memory_closed_total")
        before = self.resident()
        queued = b"MULTI\r\n" + b"PING\r\n" * 16_000
        clients = [self.connect(self.cluster.tcp) for _ in range(300)]
        for client in clients:
            client.sendall(queued)
        processes.wait_until("the oldest are closed", lambda: self.metric("holdfast_router_input_memory_closed_total") > closed, 20)
        self.assertLessEqual(self.metric("holdfast_router_input_memory_bytes"), 32 * MIB)
        self.assertGreater(self.metric("holdfast_router_input_memory_bytes"), 16 * MIB)
        self.buys(990)
        self.assertLess(self.resident() - before, 96 * MIB)
        for client in clients:
            client.close()
        processes.wait_until("nothing is kept", lambda: self.metric("holdfast_router_input_memory_bytes") < MIB, 20)

    def test_a_cold_copy_asked_for_by_many(self):
        """One subscription, one map, and everybody gets it."""
        self.cluster.create_event("cold", rows=3000, seats_per_row=1000)
        subscriptions, strong = self.metric("holdfast_router_copies"), self.metric("holdfast_router_strong_reads_total")
        before = self.resident()
        clients = [self.connect() for _ in range(150)]
        for client in clients:
            client.sendall(b"GET /v1/events/cold/seats HTTP/1.1\r\nHost: x\r\n\r\n")
        results = [None] * len(clients)

        def read(place):
            answer = http.client.HTTPResponse(clients[place])
            answer.begin()
            results[place] = (answer.status, len(answer.read()))

        threads = [threading.Thread(target=read, args=(place,)) for place in range(len(clients))]
        for thread in threads:
            thread.start()
        self.buys(1)
        for thread in threads:
            thread.join()
        self.assertEqual({status for status, _ in results}, {200})
        self.assertEqual(len({length for _, length in results}), 1)
        self.assertGreater(results[0][1], 3_000_000)
        self.assertEqual(self.metric("holdfast_router_copies"), subscriptions + 1)
        self.assertEqual(self.metric("holdfast_router_strong_reads_total"), strong)
        self.assertEqual(self.metric("holdfast_router_copy_waits"), 0)
        self.assertLess(self.resident() - before, 60 * MIB)

    def test_a_copy_is_patched_while_it_is_sent(self):
        """A slow reader gets the map of one version, though seats change meanwhile."""
        status, _, before = self.cluster.get("/v1/events/wide/seats")
        self.assertEqual(status, 200)
        client = self.connect(receive_buffer=4096)
        client.sendall(b"GET /v1/events/wide/seats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        client.recv(1)
        resp = self.cluster.resp()
        for seat in (3, 500_000, 999_999):
            resp.call("HOLD", "wide", "b", 600, f"#{seat}")
        resp.close()
        _, _, after = self.cluster.get("/v1/events/wide/seats")
        parts = [b"H"]
        while part := client.recv(MIB):
            parts.append(part)
        slow = json.loads(b"".join(parts).split(b"\r\n\r\n", 1)[1])
        seats = lambda document: "".join(row["seats"] for section in document["sections"] for row in section["rows"])
        self.assertEqual(slow, before)
        self.assertEqual(len(seats(after)), 1_000_000)
        self.assertEqual([place for place, (a, b) in enumerate(zip(seats(before), seats(after))) if a != b], [3, 500_000, 999_999])

    def test_slow_readers_share_one_body(self):
        self.cluster.get("/v1/events/wide/seats")
        before = self.resident()
        clients = [self.connect(receive_buffer=4096) for _ in range(300)]
        for client in clients:
            client.sendall(b"GET /v1/events/wide/seats HTTP/1.1\r\nHost: x\r\n\r\n")
        for client in clients:
            self.assertEqual(client.recv(12), b"HTTP/1.1 200")
        self.buys(2)
        # 300 MB would be waiting.
        self.assertLess(self.resident() - before, 60 * MIB)
        self.assertEqual(self.metric("holdfast_router_output_memory_closed_total"), 0)

    def test_unread_answers_have_a_bound(self):
        """Pipelines of large answers, each made anew, by clients that read nothing."""
        before = self.resident()
        for _ in range(30):
            client = self.connect(self.cluster.tcp, receive_buffer=4096)
            client.setblocking(False)
            client.send(b"*2\r\n$5\r\nSEATS\r\n$4\r\nwide\r\n" * 500)
            client = self.connect(receive_buffer=4096)
            client.setblocking(False)
            client.send(b"GET /v1/events/wide/seats?read=strong HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        for seat in range(20, 30):
            self.buys(seat)
        processes.wait_until("all were answered or closed", lambda: self.metric("holdfast_router_pending_requests") == 0, 30)
        self.assertLess(self.resident() - before, 120 * MIB)

    def test_unfinished_bodies_have_a_bound(self):
        before, closed = self.resident(), self.metric("holdfast_router_input_memory_closed_total")
        refused = self.metric("holdfast_router_input_memory_refused_total")
        statuses = []

        def send():
            client = self.connect()
            try:
                client.sendall(
                    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 30000000\r\n\r\n")
                for _ in range(25):
                    client.sendall(b" " * 1_000_000)
                statuses.append(0)
            except OSError:
                pass

        threads = [threading.Thread(target=send) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.buys(3)
        self.assertLess(self.resident() - before, 100 * MIB)
        self.assertGreater(
            self.metric("holdfast_router_input_memory_closed_total") - closed
            + self.metric("holdfast_router_input_memory_refused_total") - refused, 5)
        self.assertLessEqual(self.metric("holdfast_router_input_memory_bytes"), 34 * MIB)

    def test_a_body_without_room_is_refused_at_once(self):
        holder = self.connect()
        head = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        holder.sendall(head % 30_000_000 + b" " * 20_000_000)
        processes.wait_until(
            "it is counted", lambda: self.metric("holdfast_router_input_memory_bytes") >= 20_000_000, 20)
        client = self.connect()
        client.sendall(head % 30_000_000)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        self.assertEqual((answer.status, answer.headers["Retry-After"], answer.headers["Connection"]), (503, "1", "close"))
        self.assertEqual(json.loads(answer.read())["code"], "unavailable")
        holder.close()
        processes.wait_until("it is let go", lambda: self.metric("holdfast_router_input_memory_bytes") < MIB, 20)

    def test_half_messages_have_a_bound(self):
        before = self.resident()
        for number in range(800):
            client = self.connect(self.cluster.tcp if number % 2 else None)
            try:
                if number % 2:
                    client.sendall(b"*2\r\n$4\r\nECHO\r\n$1000000\r\n" + b"x" * 200_000)
                else:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 15_000)
            except OSError:
                pass
        self.buys(4)
        self.assertLess(self.resident() - before, 80 * MIB)
        self.assertLessEqual(self.metric("holdfast_router_input_memory_bytes"), 33 * MIB)

    def test_maps_that_nobody_reads_make_room(self):
        """More events than there is room for, one after the other: each is served."""
        for number in range(8):
            self.cluster.create_event(f"room{number}", rows=100, seats_per_row=100_000)
        for number in range(8):
            answered = processes.wait_until(
                "it is served", lambda: self.cluster.get(f"/v1/events/room{number}/availability?read=strong")[0] == 200, 20)
            self.assertTrue(answered)
            status = processes.wait_until(
                "its map is served", lambda: self.cluster.request("GET", f"/v1/events/room{number}/seats")[0] == 200, 30)
            self.assertTrue(status)
        # What was dropped counts until the last loop has let go of it.
        self.assertTrue(processes.wait_until(
            "what was dropped is let go", lambda: self.metric("holdfast_router_copy_memory_bytes") <= 64 * MIB, 10))
        self.assertGreater(self.metric("holdfast_router_copies_dropped_total"), 0)

    def test_too_many_of_anything(self):
        def refused(**fields):
            status, _, problem = self.cluster.request("POST", "/v1/events", {"id": "many", "name": "m", **fields})
            self.assertEqual((status, problem["code"]), (422, "too_many"))
            return problem["field"], problem["limit_name"], problem["limit"]

        grid = {"name": "S", "rows": 100_001, "seats_per_row": 1, "price": 1}
        self.assertEqual(refused(sections=[grid]), ("sections[0].rows", "rows", 100_000))
        grid = {"name": "S", "rows": 10_000, "seats_per_row": 1_001, "price": 1}
        self.assertEqual(refused(sections=[grid]), ("sections[0].seats_per_row", "seats", 10_000_000))
        many = [{"name": f"S{number}", "rows": 1, "seats_per_row": 1} for number in range(10_001)]
        self.assertEqual(refused(sections=many), ("sections[10000]", "sections", 10_000))
        zone = {"name": "Z", "rows": [{"row_number": "1", "seats": []}] * 100_001}
        plan = {"name": "p", "categories": [{"name": "A"}], "zones": [zone]}
        self.assertEqual(refused(plan=plan), ("plan.zones[0].rows[100000]", "rows", 100_000))
        client = self.cluster.resp()
        with self.assertRaisesRegex(RespError, "LIMIT rows 100000"):
            client.call("EVENT.CREATE", "many", "S", 100_001, 1, 1)
        with self.assertRaisesRegex(RespError, "LIMIT seats 10000000"):
            client.call("EVENT.CREATE", "many", "S", 100_000, 101, 1)
        client.close()
        self.assertEqual(self.cluster.get("/v1/events/many")[0], 404)


if __name__ == "__main__":
    unittest.main()
