"""What may change about an event that is on sale, at every door and on both copies: real processes, curl's calls, the CLI, RESP."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import unittest

from common import FailoverCase
from lib import processes
from lib.resp import RespError


class EventCommands(FailoverCase):
    options = {"shards": 2}

    def setUp(self):
        self.wait_in_sync()

    def call(self, method, path, body=None, wanted=200, headers=None):
        status, answered, answer = self.cluster.request(method, path, body, headers or {})
        self.assertEqual(status, wanted, answer)
        return answer

    def hold(self, event, *seats, wanted=200, buyer="ann", **fields):
        body = {"event": event, "buyer": buyer, **({"seats": list(seats)} if seats else {}), **fields}
        return self.call("POST", "/v1/reserve", body, wanted)

    def after_the_primary_is_killed(self, event, look):
        """What `look` returns once the other copy answers; then both copies agree again."""
        victim = self.primary_of(event)
        process = self.cluster.processes[victim]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

        def answered():
            with contextlib.suppress(AssertionError):
                return look() or True
        found = processes.wait_until("the other copy answers", answered, 30)
        self.cluster.start_node(victim)
        self.wait_in_sync()
        self.wait_digests_agree()
        return found


class Terms(EventCommands):
    def test_prices_change_and_what_is_held_keeps_its_own(self):
        event = self.new_event(areas=[{"name": "Floor", "capacity": 9, "price": 100}])
        path = f"/v1/events/{event}"
        old = self.hold(event, "Stalls-A-1", areas={"Floor": 2})
        self.assertEqual(old["total"], 4700)
        changed = self.call("PATCH", path, {"prices": {"Stalls": 5000, "Floor": None}, "name": "Another", "max_per_buyer": 3})
        self.assertEqual((changed["name"], changed["prices"], changed["areas"][0]["price"]), ("Another", {"Stalls": 5000}, None))
        self.assertEqual(self.call("GET", f"/v1/holds/{old['hold']}")["total"], 4700)
        self.assertEqual(self.hold(event, "Stalls-A-2", buyer="bob")["total"], 5000)
        self.assertEqual(self.hold(event, areas={"Floor": 1}, buyer="bob", wanted=409)["code"], "sold_out")
        # Three of the four that ann may have now are hers already.
        self.assertEqual(self.hold(event, "Stalls-A-3", wanted=409)["limit_name"], "max_per_buyer")
        order = self.call("POST", "/v1/checkout", {"hold": old["hold"]}, 202)
        self.call("PATCH", path, {"prices": {"Stalls": 1}})
        self.assertEqual(self.call("POST", f"/v1/orders/{order['order']}/confirm")["total"], 4700)
        plan = self.call("GET", path + "/plan")
        self.assertEqual(plan["sections"][0]["price"], 1)
        self.assertEqual(self.call("GET", path + "/availability")["categories"]["Stalls"]["price"], 1)
        self.wait_digests_agree()

    def test_paused_until_it_goes_on(self):
        event = self.new_event()
        held = self.hold(event, "Stalls-A-1")
        self.assertIn(f"changed {event}", self.admin("event", "set", event, "--pause").stdout)
        self.assertEqual(self.hold(event, "Stalls-A-2", wanted=409)["code"], "not_on_sale")
        with contextlib.closing(self.cluster.resp()) as client:
            with self.assertRaises(RespError) as refused:
                client.call("HOLD", event, "bob", 60, "Stalls-A-2")
            self.assertTrue(str(refused.exception).startswith("NOTONSALE"))
            self.call("POST", f"/v1/holds/{held['hold']}/extend", {"ttl": 60})
            self.call("POST", "/v1/checkout", {"hold": held["hold"]}, 202)
            self.assertEqual(client.call("EVENT.SET", event, "paused", "false", "price.Stalls", "700", "venue", "Hall 2"), "OK")
            self.assertEqual(client.call("HOLD", event, "bob", 60, "Stalls-A-2")[2], 700)
        self.assertEqual(self.call("GET", f"/v1/events/{event}")["venue"], "Hall 2")
        self.admin("event", "set", event, "--clear", "venue")
        self.assertIsNone(self.call("GET", f"/v1/events/{event}")["venue"])

    def test_refusals_name_the_field_and_nothing_changes(self):
        event = self.new_event()
        path = f"/v1/events/{event}"
        before = self.call("GET", path)
        for body, status, field in [
                ({"name": None}, 422, "name"), ({"hold_ttl": 0}, 422, "hold_ttl"), ({"currency": "USD"}, 422, "currency"),
                ({"prices": {"Nowhere": 5}}, 422, "prices.Nowhere"), ({"prices": {"Stalls": -5}}, 422, "prices.Stalls"),
                ({"paused": "yes"}, 422, "paused"), ({"starts_at": "soon"}, 422, "starts_at")]:
            self.assertEqual(self.call("PATCH", path, body, status)["field"], field, body)
        self.assertEqual(self.call("PATCH", path, {}), before)
        self.call("PATCH", "/v1/events/nobody", {"name": "x"}, 404)
        key = {"Idempotency-Key": "once"}
        first = self.call("PATCH", path, {"name": "Once"}, headers=key)
        self.call("PATCH", path, {"name": "Twice"})
        self.assertEqual(self.call("PATCH", path, {"name": "Once"}, headers=key)["name"], "Twice", first)
        self.call("PATCH", path, {"name": "Other"}, 422, headers=key)

    def test_terms_outlive_the_primary(self):
        event = self.new_event(max_per_order=2)
        held = self.hold(event, "Stalls-A-1")
        self.call("PATCH", f"/v1/events/{event}", {"prices": {"Stalls": 9}, "max_per_order": None, "paused": True})
        said = self.after_the_primary_is_killed(event, lambda: self.call("GET", f"/v1/events/{event}"))
        self.assertEqual((said["prices"], said["max_per_order"], said["paused"]), ({"Stalls": 9}, None, True))
        self.assertEqual(self.call("GET", f"/v1/holds/{held['hold']}")["total"], 4500)


class Blocks(EventCommands):
    def test_seats_leave_the_sale_and_come_back(self):
        event = self.new_event(areas=[{"name": "Floor", "capacity": 9, "price": 100}], not_for_sale=["Stalls-B-1"])
        path = f"/v1/events/{event}/blocks"
        self.hold(event, "Stalls-A-1", areas={"Floor": 2})
        taken = self.call("POST", path, {"seats": ["Stalls-A-2", "Stalls-A-1"], "blocked": True}, 409)
        self.assertEqual((taken["code"], taken["seats"]), ("seats_taken", ["Stalls-A-1"]))
        self.assertEqual(self.call("POST", path, {"areas": {"Floor": 8}, "blocked": True}, 409)["area"], "Floor")
        done = self.call("POST", path, {"seats": ["Stalls-A-2", "Stalls-A-3"], "areas": {"Floor": 7}, "blocked": True})
        self.assertEqual((done["event"], done["changed"]), (event, 9))
        self.assertEqual(self.hold(event, "Stalls-A-2", wanted=409)["seats"], ["Stalls-A-2"])
        self.assertEqual(self.hold(event, areas={"Floor": 1}, wanted=409)["code"], "sold_out")
        row = self.call("GET", f"/v1/events/{event}/seats")["sections"][0]["rows"][0]["seats"]
        self.assertEqual(row[:4], "hxx.")
        counts = self.call("GET", f"/v1/events/{event}/availability?read=strong")
        self.assertEqual((counts["not_for_sale"], counts["areas"]["Floor"]["not_for_sale"]), (10, 7))
        self.assertIn("unblocked 2", self.admin("event", "unblock", event, "Stalls-A-2", "Stalls-B-1").stdout)
        self.assertEqual(self.admin("event", "unblock", event, "--area", "Floor=8", check=False).returncode, 1)
        self.hold(event, "Stalls-A-2", "Stalls-B-1")
        with contextlib.closing(self.cluster.resp()) as client:
            self.assertEqual(client.call("EVENT.BLOCK", event, "Stalls-A-3", "Stalls-A-4"), 1)
        self.assertEqual(self.call("POST", path, {"seats": ["Nowhere"], "blocked": True}, 422)["seats"], ["Nowhere"])
        self.assertEqual(self.call("POST", path, {"seats": ["Stalls-A-9"]}, 422)["field"], "blocked")
        self.call("PATCH", f"/v1/events/{event}", {"prices": {"Stalls": None, "Floor": None}})
        self.assertEqual(self.call("GET", f"/v1/events/{event}")["free"], 0)
        self.call("PATCH", f"/v1/events/{event}", {"prices": {"Stalls": 1, "Floor": 1}})
        after = self.after_the_primary_is_killed(
            event, lambda: self.call("GET", f"/v1/events/{event}/availability?read=strong"))
        self.assertEqual((after["not_for_sale"], after["areas"]["Floor"]["not_for_sale"]), (9, 7))


class SmallSegments(EventCommands):
    options = {"shards": 1}

    def test_a_large_record_is_caught_up_with(self):
        """What waits behind a large frame is more than a segment of the follower's log can take at once."""
        event = "wide"
        self.cluster.create_event(event, 300, 1000)
        self.call("POST", f"/v1/events/{event}/blocks", {"seats": [f"#{seat}" for seat in range(65535)], "blocked": True})
        with contextlib.closing(self.cluster.resp()) as client:
            for first in range(70_000, 270_000, 2000):
                for seat in range(first, first + 2000):
                    client.send("HOLD", event, f"buyer-{seat * 7919 % 10**9:09}-{seat}", 600, f"#{seat}")
                for _ in range(2000):
                    client.read()
        processes.stop(self.cluster.processes["n2"])
        processes.wait_until("the primary goes on alone", lambda: not self.status()["shards"][0]["follower"], 30)
        shutil.rmtree(self.cluster.folder_of("n2"))
        self.cluster.node_options += ["--segment-bytes", "1048576"]
        self.cluster.start_node("n2")
        self.wait_in_sync()
        self.wait_digests_agree()


class Deletions(EventCommands):
    options = {"shards": 2, "loops": 2}

    def test_every_loop_knows_the_next_life_by_its_names(self):
        event = self.new_event(sections=[{"name": "Old", "rows": 4, "seats_per_row": 9, "price": 5}])
        connections = [http.client.HTTPConnection("127.0.0.1", self.cluster.http, timeout=30) for _ in range(8)]

        def hold(connection, seat):
            body = json.dumps({"event": event, "buyer": "ann", "seats": [seat]})
            connection.request("POST", "/v1/reserve", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        for number, connection in enumerate(connections):
            self.assertEqual(hold(connection, f"Old-A-{number + 1}")[0], 200)
        self.call("DELETE", f"/v1/events/{event}?force=true", wanted=204)
        for connection in connections:
            self.assertEqual(hold(connection, "New-A-1")[0], 404)
        self.new_event(sections=[{"name": "New", "rows": 4, "seats_per_row": 9, "price": 6}])
        for number, connection in enumerate(connections):
            status, answer = hold(connection, f"New-A-{number + 1}")
            self.assertEqual((status, answer.get("total")), (200, 6), answer)
        self.assertEqual(hold(connections[0], "Old-A-1")[1]["code"], "invalid_seats")
        for connection in connections:
            connection.close()

    def test_retries_after_a_deletion(self):
        event = self.new_event()
        path = f"/v1/events/{event}"
        held = self.hold(event, "Stalls-A-1")
        first = {"Idempotency-Key": "checkout"}
        self.call("POST", "/v1/checkout", {"hold": held["hold"]}, 202, headers=first)
        self.call("DELETE", path, wanted=409, headers={"Idempotency-Key": "refused"})
        self.call("DELETE", path + "?force=true", wanted=422, headers={"Idempotency-Key": "refused"})
        self.call("DELETE", path + "?force=true", wanted=204, headers={"Idempotency-Key": "gone"})
        # The first answer again from a loop that still knows the event's labels; otherwise the hold is gone with it,
        # and that was not the first answer.
        for _ in range(2):
            status, headers, _ = self.cluster.request("POST", "/v1/checkout", {"hold": held["hold"]}, first)
            self.assertIn((status, headers.get("Idempotent-Replayed")), [(202, "true"), (410, None)])
            self.call("GET", path, wanted=404)
        self.new_event()
        status, headers, _ = self.cluster.request("POST", "/v1/checkout", {"hold": held["hold"]}, first)
        self.assertIn((status, headers.get("Idempotent-Replayed")), [(202, "true"), (410, None)])
        self.call("DELETE", path, wanted=422, headers={"Idempotency-Key": "gone"})
        self.call("GET", path)
        with contextlib.closing(self.cluster.resp()) as client:
            with self.assertRaises(RespError):
                client.call("EVENT.SET", event, "name", "null")
            self.assertEqual(client.call("EVENT.SET", event, "name", "4711", "venue", "12"), "OK")
        self.assertEqual(self.call("GET", path)["name"], "4711")

    def test_an_event_goes_and_its_id_comes_back(self):
        event = self.new_event()
        path = f"/v1/events/{event}"
        held, bought = self.hold(event, "Stalls-A-1"), self.hold(event, "Stalls-A-2")
        order = self.call("POST", "/v1/checkout", {"hold": bought["hold"]}, 202)
        refused = self.call("DELETE", path, wanted=409)
        self.assertEqual((refused["code"], refused["holds"], refused["orders"]), ("event_in_use", 1, 1))
        self.assertIn("1 holds and 1 orders", self.admin("event", "delete", event, check=False).stderr)
        self.call("DELETE", path + "?force=perhaps", wanted=400)
        self.call("GET", path + "/seats")
        self.call("DELETE", path + "?force=true", wanted=204, headers={"Idempotency-Key": "gone"})
        for gone, status in [(path, 404), (path + "/seats", 404), (path + "/plan", 404), (path + "/availability", 404),
                             (f"/v1/holds/{held['hold']}", 410), (f"/v1/orders/{order['order']}", 404)]:
            self.call("GET", gone, wanted=status)
        self.hold(event, "Stalls-A-1", wanted=404)
        self.call("DELETE", f"/v1/holds/{held['hold']}", wanted=410)
        self.assertNotIn(event, [found["id"] for found in self.call("GET", "/v1/events")["events"]])
        self.new_event(sections=[{"name": "Other", "rows": 2, "seats_per_row": 2, "price": 7}])
        self.assertEqual(self.hold(event, "Other-A-1")["total"], 7)
        self.assertEqual(self.call("GET", path + "/plan")["sections"][0]["name"], "Other")
        # The retry of the first deletion means the first event.
        self.call("DELETE", path + "?force=true", wanted=204, headers={"Idempotency-Key": "gone"})
        self.assertEqual(self.call("GET", path)["held"], 1)
        self.after_the_primary_is_killed(event, lambda: self.call("GET", path))
        with contextlib.closing(self.cluster.resp()) as client:
            with self.assertRaises(RespError) as refused:
                client.call("EVENT.DELETE", event)
            self.assertEqual(str(refused.exception), "INUSE 1 holds 0 orders")
            self.assertEqual(client.call("EVENT.DELETE", event, "FORCE"), "OK")
        self.admin("event", "create", event, "--section", "Stalls=1x1:5")
        self.assertIn(f"deleted {event}", self.admin("event", "delete", event).stdout)
        self.wait_digests_agree()


if __name__ == "__main__":
    unittest.main()
