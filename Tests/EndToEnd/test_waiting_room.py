"""A waiting room with real processes: who joins, who is called, whose pass holds seats, and what a failover changes: nothing."""

import base64
import datetime
import hashlib
import json
import os
import signal
import unittest

from common import FailoverCase
from lib import processes
from lib.resp import RespError


def in_seconds(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).isoformat()


def claims(token):
    """What a pass says; its signature is checked elsewhere."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class WaitingRoom(FailoverCase):
    options = {"shards": 2}

    def setUp(self):
        self.wait_in_sync()

    def call(self, method, path, body=None, wanted=200, headers=None):
        status, answered, answer = self.cluster.request(method, path, body, headers or {})
        self.assertEqual(status, wanted, answer)
        self.headers = answered
        return answer

    def join(self, event, buyer, wanted=202):
        return self.call("POST", f"/v1/events/{event}/queue", {"buyer": buyer}, wanted)

    def place(self, event, place, wanted=200):
        return self.call("GET", f"/v1/events/{event}/queue/{place}", wanted=wanted)

    def until_inside(self, event, place):
        def look():
            found = self.place(event, place)
            return found if found["state"] == "inside" and found["pass"] else None
        return processes.wait_until(f"{place} is inside", look, 30)

    def test_a_buyer_waits_is_called_and_holds_with_the_pass(self):
        event = self.new_event(waiting_room={"order": "fifo", "admit_per_minute": 6000, "pass_ttl": 60})
        queue = self.call("GET", f"/v1/events/{event}/queue")
        self.assertEqual((queue["waiting"], queue["message"]), (0, None))
        self.assertEqual(len(queue["commitment"]), 64)
        refused = self.call("POST", "/v1/reserve", {"event": event, "buyer": "ann", "seats": ["Stalls-A-1"]}, 403)
        self.assertEqual((refused["code"], refused["queue"]), ("pass_required", f"/v1/events/{event}/queue"))
        ann = self.join(event, "ann")
        self.assertEqual(self.headers.get("Location"), f"/v1/events/{event}/queue/{ann['place']}")
        self.assertEqual(self.join(event, "ann")["place"], ann["place"])
        inside = self.until_inside(event, ann["place"])
        said = claims(inside["pass"])
        self.assertEqual((said["aud"], said["sub"], said["jti"]), (event, "ann", ann["place"]))
        hold = {"event": event, "buyer": "ann", "seats": ["Stalls-A-1"]}
        self.call("POST", "/v1/reserve", hold, headers={"Holdfast-Pass": inside["pass"]})
        self.call("POST", "/v1/reserve", {**hold, "seats": ["Stalls-A-2"], "pass": inside["pass"]})
        self.call("POST", "/v1/reserve", {"event": event, "buyer": "ann", "best": {"count": 2}, "pass": inside["pass"]})
        another = self.new_event(id=f"{event}-2", waiting_room={})
        for other in ({**hold, "buyer": "bob"}, {**hold, "event": another}):
            self.assertEqual(
                self.call("POST", "/v1/reserve", other, 403, {"Holdfast-Pass": inside["pass"]})["code"], "pass_foreign")
        # A letter of the signature or of the claims changed, and it is no pass.
        for damaged in (inside["pass"][:-9] + "AAAAAAAAA", inside["pass"].replace(".", ".A", 1), "x", "a.b.c"):
            self.assertEqual(
                self.call("POST", "/v1/reserve", {**hold, "pass": damaged}, 403)["code"], "pass_foreign", damaged)
        self.call("DELETE", f"/v1/events/{event}/queue/{ann['place']}", wanted=204)
        self.call("DELETE", f"/v1/events/{event}/queue/{ann['place']}", wanted=204)
        self.assertEqual(self.place(event, ann["place"], 410)["code"], "place_left")
        gone = self.call("POST", "/v1/reserve", {**hold, "seats": ["Stalls-A-7"]}, 403, {"Holdfast-Pass": inside["pass"]})
        self.assertEqual(gone["code"], "pass_expired")

    def test_the_pass_is_checked_by_a_strangers_library(self):
        """The key set and a pass, with openssl: no code of ours."""
        event = self.new_event(waiting_room={"admit_per_minute": 6000})
        token = self.until_inside(event, self.join(event, "ann")["place"])["pass"]
        keys = self.call("GET", "/.well-known/jwks.json")["keys"]
        self.assertEqual({key["alg"] for key in keys}, {"RS256"})
        header, payload, signature = token.split(".")
        decode = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        key = next(key for key in keys if key["kid"] == json.loads(decode(header))["kid"])
        modulus, exponent = (int.from_bytes(decode(key[name]), "big") for name in ("n", "e"))
        opened = pow(int.from_bytes(decode(signature), "big"), exponent, modulus).to_bytes(256, "big")
        # PKCS #1 v1.5: the digest stands at the end.
        self.assertEqual(opened[-32:], hashlib.sha256(f"{header}.{payload}".encode()).digest())
        self.assertEqual(opened[:2], b"\x00\x01")

    def test_the_start_draws_those_who_came_before(self):
        event = self.new_event(waiting_room={"starts_at": in_seconds(4), "admit_per_minute": 60})
        early = [self.join(event, f"buyer {number}") for number in range(30)]
        self.assertEqual({place["state"] for place in early}, {"early"})
        self.assertEqual({place["number"] for place in early}, {None})
        self.assertIsNone(self.call("GET", f"/v1/events/{event}/queue")["seed"])
        processes.wait_until(
            "the room runs", lambda: self.call("GET", f"/v1/events/{event}/queue")["state"] == "running", 30)
        numbers = [self.place(event, place["place"])["number"] for place in early]
        self.assertEqual(sorted(numbers), list(range(1, 31)))
        self.assertEqual(self.join(event, "late")["number"], 31)
        queue = self.call("GET", f"/v1/events/{event}/queue")
        self.assertEqual(len(queue["seed"]), 64)

    def test_a_failover_loses_no_place_and_calls_nobody_twice(self):
        event = self.new_event(waiting_room={"order": "fifo", "admit_per_minute": 300, "claim_ttl": 600})
        places = [self.join(event, f"buyer {number}")["place"] for number in range(40)]
        self.until_inside(event, places[0])
        self.call("POST", f"/v1/events/{event}/queue/control", {"action": "pause", "message": "A moment, please."})
        before = self.call("GET", f"/v1/events/{event}/queue")
        self.assertEqual((before["state"], before["message"]), ("paused", "A moment, please."))
        states = {place: self.place(event, place)["number"] for place in places}
        before = self.call("GET", f"/v1/events/{event}/queue")
        victim = self.primary_of(event)
        process = self.cluster.processes[victim]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

        def answered():
            status, _, answer = self.cluster.request("GET", f"/v1/events/{event}/queue", None, {})
            return answer if status == 200 else None
        self.assertEqual(processes.wait_until("the other copy answers", answered, 30), before)
        self.assertEqual({place: self.place(event, place)["number"] for place in places}, states)
        self.assertEqual(self.join(event, "buyer 3")["place"], places[3])
        self.call("POST", f"/v1/events/{event}/queue/control", {"action": "resume"})
        for place in places:
            self.until_inside(event, place)
        after = self.call("GET", f"/v1/events/{event}/queue")
        self.assertEqual((after["admitted"], after["waiting"], after["called"]), (40, 0, 0))
        self.cluster.start_node(victim)
        self.wait_in_sync()
        self.wait_digests_agree()

    def test_terms_of_a_room_change_and_go(self):
        event = self.new_event()
        path = f"/v1/events/{event}"
        self.assertIsNone(self.call("GET", path)["waiting_room"])
        self.assertEqual(self.join(event, "ann", 404)["code"], "no_waiting_room")
        self.assertEqual(self.call("GET", f"{path}/queue", wanted=404)["code"], "no_waiting_room")
        opens = in_seconds(3600)
        room = self.call("PATCH", path, {"waiting_room": {"opens_at": opens, "max_inside": 5}})["waiting_room"]
        self.assertEqual((room["max_inside"], room["admit_per_minute"], room["order"]), (5, 600, "shuffle"))
        closed = self.join(event, "ann", 409)
        self.assertEqual(closed["code"], "queue_closed")
        self.assertIn("opens_at", closed)
        self.assertGreater(int(self.headers.get("Retry-After")), 3000)
        room = self.call("PATCH", path, {"waiting_room": {"opens_at": None, "admit_per_minute": 60}})["waiting_room"]
        self.assertEqual((room["opens_at"], room["max_inside"], room["admit_per_minute"]), (None, 5, 60))
        place = self.join(event, "ann")["place"]
        self.assertEqual(self.call("PATCH", path, {"waiting_room": {"order": "lifo"}}, 422)["field"], "waiting_room.order")
        self.assertEqual(self.call("PATCH", path, {"waiting_room": {"pass_ttl": 9}}, 422)["field"], "waiting_room.pass_ttl")
        self.assertIsNone(self.call("PATCH", path, {"waiting_room": None})["waiting_room"])
        self.assertEqual(self.place(event, place, 404)["code"], "no_such_place")
        self.call("POST", "/v1/reserve", {"event": event, "buyer": "ann", "seats": ["Stalls-A-1"]})

    def test_the_other_doors(self):
        """RESP and the CLI say the same."""
        event = self.new_event(waiting_room={"order": "fifo", "admit_per_minute": 6000})
        redis = self.cluster.resp()
        self.addCleanup(redis.close)
        place = redis.map("QUEUE.JOIN", event, "ann")["place"]
        self.assertEqual(self.join(event, "ann")["place"], place)
        token = self.until_inside(event, place)["pass"]
        self.assertEqual(redis.map("QUEUE.INFO", place)["pass"], token)
        with self.assertRaisesRegex(RespError, "^PASSREQUIRED"):
            redis.call("HOLD", event, "ann", "60", "Stalls-A-1")
        self.assertEqual(len(redis.call("HOLD", event, "ann", "60", "Stalls-A-1", "Stalls-A-2", "PASS", token)), 4)
        self.assertEqual(len(redis.call("HOLD.BEST", event, "ann", "60", "2", "PASS", token, "KEY", "k1")), 5)
        with self.assertRaisesRegex(RespError, "^PASSFOREIGN"):
            redis.call("HOLD", event, "bob", "60", "Stalls-A-9", "PASS", token)
        with self.assertRaisesRegex(RespError, "^NOPLACE"):
            redis.call("QUEUE.INFO", "h_00200000000000000006st23vnex7em1")
        self.assertIn("running", self.admin("queue", "status", event).stdout)
        self.admin("queue", "set", event, "--admit-per-minute", "30", "--max-inside", "7")
        self.admin("queue", "message", event, "The doors open at eight.")
        shown = self.admin("queue", "drain", event).stdout
        for part in ("drained", "30", "7", "The doors open at eight."):
            self.assertIn(part, shown)
        self.assertEqual(self.join(event, "late", 409)["code"], "queue_closed")
        self.assertNotEqual(self.admin("queue", "status", "nothing", check=False).returncode, 0)
        self.admin("queue", "reset", event)
        self.assertEqual(self.place(event, place, 410)["code"], "place_left")


if __name__ == "__main__":
    unittest.main()
