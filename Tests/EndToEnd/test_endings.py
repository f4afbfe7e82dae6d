"""Nodes that are asked to end, from outside. The time-out is ten minutes: whoever waited for it would not be done in time."""

import os
import signal
import unittest

from common import FailoverCase
from lib import processes


class Endings(FailoverCase):
    options = {"shards": 4, "node_options": ["--failure-timeout", "600000", "--segment-bytes", "1048576"]}

    def log_of(self, name):
        with open(os.path.join(self.folder, name + ".log"), errors="replace") as file:
            return file.read()

    def ask_to_end(self, *names):
        """SIGTERM to all of them, then waits for each."""
        for name in names:
            self.cluster.processes[name].send_signal(signal.SIGTERM)
        for name in names:
            self.assertEqual(self.cluster.processes[name].wait(timeout=15), 0)

    def epochs(self):
        return {shard["shard"]: shard["epoch"] for shard in self.status()["shards"]}

    def test_sales_do_not_wait_for_a_node_that_was_asked_to_end(self):
        """Each node leads half of the shards and follows on the others, so that one end shows both."""
        self.wait_in_sync()
        recorder = self.record("a")
        self.wait_yeses(recorder, 300)
        for _ in range(2):
            victim = self.primary_of(recorder.event)
            other = next(name for name in self.cluster.names if name != victim)
            self.ask_to_end(victim)
            self.wait_yeses(recorder, 300)
            for shard in self.status()["shards"]:
                self.assertEqual((shard["primary"], shard["follower"]), (other, None))
            self.assertIn(f"{victim} has ended at", self.admin("status", check=False).stdout)
            processes.wait_until("the end is in the other node's log", lambda: "a node has ended" in self.log_of(other), 20)
            self.cluster.start_node(victim)
            self.wait_in_sync()
            self.wait_yeses(recorder, 100)
        counts = self.settle(recorder)
        self.assertEqual({word for word in recorder.errors if word not in ("TAKEN", "NOHOLD", "EXPIRED")}, set(),
                         f"an end in order shows as latency, never as an error: {counts}")
        self.wait_digests_agree()

    def test_two_that_end_together_change_no_role(self):
        before = {shard["shard"]: shard["epoch"] for shard in self.wait_in_sync()}
        self.ask_to_end(*self.cluster.names)
        for name in self.cluster.names:
            self.cluster.start_node(name)
        # One epoch to go on after the start, one to take the other in.
        after = {shard: epoch + 2 for shard, epoch in before.items()}
        processes.wait_until("each shard goes on, and has its follower", lambda: self.epochs() == after, 20)
        self.wait_in_sync()
        self.wait_digests_agree()
        self.assertEqual(self.epochs(), after)

    def test_without_the_coordinator_an_end_is_an_end(self):
        """Nobody can take over then: the node ends all the same, and its peer goes on as soon as the coordinator is back."""
        self.wait_in_sync()
        victim, other = self.cluster.names[:2]
        folder = self.cluster.coordinator.removeprefix("file:")
        os.rename(folder, folder + ".away")
        try:
            # A file in its place: a folder would be made anew.
            with open(folder, "w"):
                pass
            self.ask_to_end(victim)
        finally:
            os.remove(folder)
            os.rename(folder + ".away", folder)
        processes.wait_until("the peer leads all, alone", lambda: all(
            (shard["primary"], shard["follower"]) == (other, None) for shard in self.status()["shards"]), 20)
        self.cluster.start_node(victim)
        self.wait_in_sync()
        self.wait_digests_agree()


if __name__ == "__main__":
    unittest.main()
