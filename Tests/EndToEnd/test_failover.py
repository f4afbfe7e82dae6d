"""Failovers under load, from outside: what was acknowledged is there, nothing is sold twice, the killed one comes back."""

import os
import signal
import time
import unittest

from common import FailoverCase


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
