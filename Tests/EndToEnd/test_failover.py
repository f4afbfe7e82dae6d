"""Failovers under load, from outside: what was acknowledged is there, nothing is sold twice, the killed one comes back."""

import contextlib
import os
import signal
import time
import unittest

from common import FailoverCase
from lib.resp import RespError


class Failover(FailoverCase):
    options = {"shards": 4}

    def test_kill_of_the_primary(self):
        self.wait_in_sync()
        recorder = self.record("a")
        self.wait_yeses(recorder, 300)
        victim = self.primary_of(recorder.event)
        began = time.monotonic()
        os.kill(self.cluster.processes[victim].pid, signal.SIGKILL)
        self.cluster.processes[victim].wait()
        self.wait_yeses(recorder, 300)
        gap = recorder.longest_gap(began, time.monotonic())
        self.cluster.start_node(victim)
        self.wait_in_sync()
        self.wait_yeses(recorder, 300)
        self.settle(recorder)
        self.wait_digests_agree()
        print(f"\nkill -9 of the primary: longest gap {gap * 1000:.0f} ms")

    def test_orders_are_found_after_a_failover(self):
        """A list's cursor, its order and the shop's references are the same on the other node."""
        event = self.new_event()
        orders = []

        def post(path, body, expected):
            status, _, answer = self.cluster.request("POST", path, body)
            self.assertEqual(status, expected, answer)
            return answer

        def get(path):
            status, _, answer = self.cluster.get(path)
            self.assertEqual(status, 200, answer)
            return answer

        for number in range(12):
            hold = post("/v1/reserve", {"event": event, "buyer": f"b{number % 3}", "seats": [f"#{number}"]}, 200)
            order = post("/v1/checkout", {"hold": hold["hold"], "reference": f"shop-{number}"}, 202)
            self.assertEqual(order["reference"], f"shop-{number}")
            orders.append(order["order"])
        first = get(f"/v1/events/{event}/orders?limit=5")
        self.wait_in_sync()
        primary = self.primary_of(event)
        self.admin("failover", "--node", primary)
        self.assertNotEqual(self.primary_of(event), primary)
        rest = get(f"/v1/events/{event}/orders?cursor={first['next_cursor']}")
        self.assertEqual([order["order"] for order in first["orders"] + rest["orders"]], orders)
        self.assertIsNone(rest["next_cursor"])
        found = get(f"/v1/events/{event}/orders?reference=shop-7&buyer=b1")
        self.assertEqual([order["order"] for order in found["orders"]], [orders[7]])

    def test_planned_failover(self):
        self.wait_in_sync()
        recorder = self.record("a")
        self.wait_yeses(recorder, 300)
        began = time.monotonic()
        for _ in range(3):
            node = self.primary_of(recorder.event)
            self.admin("failover", "--node", node)
            self.wait_in_sync()
            self.assertNotEqual(self.primary_of(recorder.event), node)
            self.wait_yeses(recorder, 200)
        gap = recorder.longest_gap(began, time.monotonic())
        self.settle(recorder)
        self.assertEqual({word for word in recorder.errors if word not in ("TAKEN", "NOHOLD", "EXPIRED")}, set(),
                         "a planned failover shows as latency, never as an error")
        print(f"\nplanned failover: longest gap {gap * 1000:.0f} ms")

    def test_everything_is_killed_and_comes_back(self):
        self.wait_in_sync()
        recorder = self.record("a")
        self.wait_yeses(recorder, 300)
        for name in list(self.cluster.processes):
            os.kill(self.cluster.processes[name].pid, signal.SIGKILL)
            self.cluster.processes[name].wait()
        for name in self.cluster.names:
            self.cluster.start_node(name)
        self.cluster.start_router()
        self.cluster.wait_ready()
        self.wait_in_sync()
        self.wait_yeses(recorder, 300)
        self.settle(recorder)
        self.wait_digests_agree()

    def test_an_idle_time_begins_with_the_last_answer(self):
        """The answer comes just before the time would be over that began with the command."""
        event = self.new_event()
        self.cluster.router_options += ["--resp-idle-timeout", "6"]
        self.router_again()
        try:
            with contextlib.closing(self.cluster.resp()) as client:
                self.assertEqual(client.call("SEAT", event, "#0"), "free")
                pids = [self.cluster.processes[name].pid for name in self.cluster.names]
                for pid in pids:
                    os.kill(pid, signal.SIGSTOP)
                client.send("HOLD", event, "ann", 60, "#0")
                time.sleep(5)
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)
                # UNKNOWN is an answer, too.
                with contextlib.suppress(RespError):
                    client.read()
                time.sleep(3)
                self.assertEqual(client.call("PING"), "PONG")
        finally:
            self.cluster.router_options = self.cluster.router_options[:-2]
            self.router_again()

    def router_again(self):
        os.kill(self.cluster.processes["router"].pid, signal.SIGKILL)
        self.cluster.processes["router"].wait()
        self.cluster.start_router()
        self.cluster.wait_ready()

    def test_a_paused_primary_answers_nothing(self):
        self.wait_in_sync()
        recorder = self.record("a")
        self.wait_yeses(recorder, 300)
        victim = self.primary_of(recorder.event)
        pid = self.cluster.processes[victim].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            self.wait_yeses(recorder, 300)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.wait_yeses(recorder, 300)
        self.wait_in_sync()
        self.settle(recorder)
        self.wait_digests_agree()


if __name__ == "__main__":
    unittest.main()
