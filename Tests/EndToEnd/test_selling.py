"""Buyers over HTTP: the promises of the first page, checked from outside."""

import collections
import concurrent.futures
import http.client
import json
import random
import socket
import threading
import time
import unittest

from common import ClusterCase


class Selling(ClusterCase):
    def post(self, path, body, headers=None, connection=None):
        own = connection or http.client.HTTPConnection("127.0.0.1", self.cluster.http, timeout=30)
        own.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **(headers or {})})
        answer = own.getresponse()
        text = answer.read()
        if connection is None:
            own.close()
        return answer.status, json.loads(text) if text else None

    def test_fifty_buyers_one_seat(self):
        event = self.new_event()
        ready, results = threading.Barrier(50), [None] * 50

        def buy(number):
            connection = http.client.HTTPConnection("127.0.0.1", self.cluster.http, timeout=30)
            connection.connect()
            ready.wait()
            began = time.monotonic()
            status, body = self.post(
                "/v1/reserve", {"event": event, "buyer": f"b{number}", "seats": ["Stalls-A-1"]}, connection=connection)
            results[number] = (status, body, time.monotonic() - began)
            connection.close()

        threads = [threading.Thread(target=buy, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = collections.Counter(status for status, _, _ in results)
        self.assertEqual(statuses, {200: 1, 409: 49})
        for status, body, seconds in results:
            self.assertLess(seconds, 1.0)
            if status == 409:
                self.assertEqual((body["code"], body["seats"]), ("seats_taken", ["Stalls-A-1"]))

    def test_a_thousand_buyers_over_four_hundred_seats(self):
        event = self.new_event(sections=[{"name": "S", "rows": 20, "seats_per_row": 20, "price": 100}])
        chance = random.Random(7)
        groups = [[f"#{seat}" for seat in chance.sample(range(400), chance.randint(1, 6))] for _ in range(1000)]
        owner, lock = {}, threading.Lock()

        def buy(number):
            status, body = self.post("/v1/reserve", {"event": event, "buyer": f"b{number}", "seats": groups[number]})
            if status == 200:
                with lock:
                    for seat in body["seats"]:
                        self.assertNotIn(seat, owner)
                        owner[seat] = number
                self.assertEqual(body["total"], 100 * len(groups[number]))
            else:
                self.assertEqual(status, 409, body)
                self.assertTrue(set(body["seats"]) <= set(groups[number]))
            return status

        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            statuses = collections.Counter(pool.map(buy, range(1000)))
        self.assertEqual(set(statuses), {200, 409})
        for read in ("?read=strong", ""):
            _, _, counts = self.cluster.get(f"/v1/events/{event}/availability{read}")
            self.assertEqual((counts["held"], counts["free"]), (len(owner), 400 - len(owner)))
            _, _, seats = self.cluster.get(f"/v1/events/{event}/seats{read}")
            drawn = "".join(row["seats"] for section in seats["sections"] for row in section["rows"])
            self.assertEqual(drawn.count("h"), len(owner))
        client = self.cluster.resp()
        self.assertEqual(int(client.map("EVENT.INFO", event)["held"]), len(owner))
        client.close()

    def test_a_sale_from_hold_to_refusal(self):
        event = self.new_event(areas=[{"name": "Floor", "capacity": 5, "price": 3500}], max_per_order=4)
        status, hold = self.post(
            "/v1/reserve", {"event": event, "buyer": "ann", "seats": ["Stalls-A-1", "#1"], "areas": {"Floor": 2}})
        self.assertEqual(status, 200, hold)
        self.assertEqual((hold["seats"], hold["areas"], hold["total"]), (["Stalls-A-1", "Stalls-A-2"], {"Floor": 2}, 16000))
        status, refused = self.post(
            "/v1/reserve", {"event": event, "buyer": "bob", "seats": ["Stalls-A-2", "Stalls-A-3", "#0"]})
        self.assertEqual((status, refused["seats"]), (409, ["Stalls-A-2", "#0"]))
        status, refused = self.post("/v1/reserve", {"event": event, "buyer": "bob", "areas": {"Floor": 4}})
        self.assertEqual((status, refused["code"], refused["area"]), (409, "sold_out", "Floor"))
        status, refused = self.post("/v1/reserve", {"event": event, "buyer": "bob", "areas": {"Floor": 5}})
        self.assertEqual((status, refused["code"], refused["limit"]), (409, "limit_exceeded", 4))
        status, order = self.post("/v1/checkout", {"hold": hold["hold"]})
        self.assertEqual((status, order["status"]), (202, "pending_payment"))
        status, refused = self.post(f"/v1/holds/{hold['hold']}/extend", {"ttl": 60})
        self.assertEqual((status, refused["code"], refused["order"]), (409, "checked_out", order["order"]))
        for _ in range(2):
            status, confirmed = self.post(f"/v1/orders/{order['order']}/confirm", {})
            self.assertEqual((status, confirmed["status"]), (200, "confirmed"), confirmed)
        _, _, seats = self.cluster.get(f"/v1/events/{event}/seats?read=strong")
        self.assertTrue(seats["sections"][0]["rows"][0]["seats"].startswith("ss."))
        status, cancelled = self.post(f"/v1/orders/{order['order']}/cancel", {})
        self.assertEqual((status, cancelled["status"]), (200, "cancelled"))
        _, _, counts = self.cluster.get(f"/v1/events/{event}/availability?read=strong")
        self.assertEqual((counts["free"], counts["held"], counts["sold"]), (605, 0, 0))

    def test_the_same_key_gives_the_same_answer(self):
        event = self.new_event()
        body = {"event": event, "buyer": "ann", "seats": ["Stalls-B-1"]}
        key = {"Idempotency-Key": "once"}
        first = self.post("/v1/reserve", body, key)
        self.assertEqual(first[0], 200)
        self.assertEqual(self.post("/v1/reserve", body, key), first)
        status, refused = self.post("/v1/reserve", {**body, "seats": ["Stalls-B-2"]}, key)
        self.assertEqual((status, refused["code"]), (422, "idempotency_key_reused"))

    def test_a_hold_ends_at_its_deadline(self):
        event = self.new_event()
        status, hold = self.post("/v1/reserve", {"event": event, "buyer": "ann", "seats": ["#5"], "ttl": 1})
        self.assertEqual(status, 200)
        deadline = time.monotonic() + 5
        while self.cluster.get(f"/v1/holds/{hold['hold']}")[0] == 200:
            self.assertLess(time.monotonic(), deadline, "the hold does not end")
            time.sleep(0.05)
        status, _, refused = self.cluster.get(f"/v1/holds/{hold['hold']}")
        self.assertEqual((status, refused["code"]), (410, "hold_expired"))
        self.assertEqual(self.post("/v1/checkout", {"hold": hold["hold"]})[0], 410)
        self.assertEqual(self.post("/v1/reserve", {"event": event, "buyer": "bob", "seats": ["#5"]})[0], 200)

    def test_best_seats_stand_together(self):
        event = self.new_event()
        status, hold = self.post("/v1/reserve", {"event": event, "buyer": "ann", "best": {"count": 4}})
        self.assertEqual(status, 200, hold)
        rows = {label.rsplit("-", 1)[0] for label in hold["seats"]}
        numbers = sorted(int(label.rsplit("-", 1)[1]) for label in hold["seats"])
        self.assertEqual((len(rows), numbers), (1, list(range(numbers[0], numbers[0] + 4))))
        self.assertEqual(rows, {"Stalls-A"})

    def test_entity_tags(self):
        event = self.new_event()
        for what in ("seats", "availability", "plan"):
            status, head, _ = self.cluster.get(f"/v1/events/{event}/{what}")
            self.assertEqual(status, 200)
            status, _, _ = self.cluster.get(f"/v1/events/{event}/{what}", headers={"If-None-Match": head["ETag"]})
            self.assertEqual(status, 304, what)
        _, head, _ = self.cluster.get(f"/v1/events/{event}/seats")
        self.post("/v1/reserve", {"event": event, "buyer": "ann", "seats": ["#0"]})
        status, _, seats = self.cluster.get(f"/v1/events/{event}/seats", headers={"If-None-Match": head["ETag"]})
        self.assertEqual(status, 200, "a fresh read is never older than an answer that was already given")
        self.assertEqual(seats["sections"][0]["rows"][0]["seats"][0], "h")

    def test_pipelined_requests_are_answered_in_order(self):
        event = self.new_event()
        with socket.create_connection(("127.0.0.1", self.cluster.http)) as connection:
            batch = b""
            for seat in range(50):
                body = json.dumps({"event": event, "buyer": "p", "seats": [f"#{seat}"]}).encode()
                batch += b"POST /v1/reserve HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
                    len(body), body)
            connection.sendall(batch + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            text = b""
            while part := connection.recv(1 << 16):
                text += part
        self.assertEqual(text.count(b"HTTP/1.1 200"), 51)
        order = [text.index(b'"Stalls-%s-%d"' % (b"A" if seat < 30 else b"B", seat % 30 + 1)) for seat in range(50)]
        self.assertEqual(order, sorted(order))


if __name__ == "__main__":
    unittest.main()
