"""Failovers under load, from outside: what was acknowledged is there, nothing is sold twice, the killed one comes back."""

import json
import os
import signal
import time
import unittest

from common import ClusterCase
from lib import processes
from lib.checker import Recorder, find_holds_over, judge

SEATS_PER_ROW = 1000


class Failover(ClusterCase):
    options = {"shards": 4}

    def status(self):
        return json.loads(self.admin("status", "--json").stdout)

    def wait_in_sync(self, timeout=30):
        def in_sync():
            shards = self.status()["shards"]
            return shards if all(shard["primary"] and shard["follower"] for shard in shards) else None
        return processes.wait_until("every shard has its follower", in_sync, timeout)

    def wait_digests_agree(self):
        def agree():
            for shard in self.status()["shards"]:
                digests = {value for name, value in (shard["digests"] or {}).items() if name != "index"}
                if len(digests) != 1 or len(shard["digests"]) < 3:
                    return False
            return True
        processes.wait_until("both replicas' digests agree", agree, 30)

    def record(self, name, clients=32, seed=1):
        event = f"{self._testMethodName}-{name}".replace("_", "-")
        self.cluster.create_event(event, rows=5, seats_per_row=SEATS_PER_ROW)
        return Recorder([self.cluster.tcp], event, 5 * SEATS_PER_ROW, clients=clients, seed=seed).start()

    def primary_of(self, event):
        shard = int(self.admin("event", "shard", event).stdout.split()[-1])
        return next(entry["primary"] for entry in self.status()["shards"] if entry["shard"] == shard)

    def settle(self, recorder):
        recorder.stop()
        problems, counts = judge(recorder, find_holds_over(self.cluster.tcp, SEATS_PER_ROW))
        self.assertEqual(problems[:5], [], counts)
        self.assertGreater(counts["acknowledged"], 100)
        self.assertEqual(counts["unknown"], 0)
        return counts

    def wait_yeses(self, recorder, more):
        target = recorder.yeses() + more
        processes.wait_until(f"{more} more holds", lambda: recorder.yeses() >= target, 30)

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
