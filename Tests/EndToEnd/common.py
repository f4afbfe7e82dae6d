"""What the end-to-end tests share: a cluster of real processes for each class, on free ports, in a temporary folder."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))

from lib import processes  # noqa: E402
from lib.checker import Recorder, find_holds_over, judge  # noqa: E402
from lib.holdfast import Holdfast  # noqa: E402

SEATS_PER_ROW = 1000


def release_folder():
    return os.environ.get("HOLDFAST_BINARIES", os.path.join(ROOT, ".build", "release"))


class ClusterCase(unittest.TestCase):
    """One cluster for the tests of a class; each test makes its own event."""

    options = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="holdfast-")
        cls.cluster = Holdfast(cls.folder, binaries=release_folder(), **cls.options).start()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()
        failed = [name for name, process in cls.cluster.processes.items() if process.returncode not in (0, -15, -9)]
        if failed:
            for name in failed:
                print(processes.tail(os.path.join(cls.folder, name + ".log")), file=sys.stderr)
            raise AssertionError(f"ended badly: {failed}; logs in {cls.folder}")
        subprocess.run(["rm", "-rf", cls.folder], check=True)

    def new_event(self, **fields):
        name = f"{type(self).__name__}-{self._testMethodName}".replace("_", "-")
        body = {"id": name, "name": "A test", "sections": [{"name": "Stalls", "rows": 20, "seats_per_row": 30, "price": 4500}]}
        body.update(fields)
        status, _, event = self.cluster.request("POST", "/v1/events", body)
        self.assertEqual(status, 201, event)
        return event["id"]

    def admin(self, *arguments, check=True):
        """Runs the CLI against this test's cluster."""
        done = subprocess.run(
            [os.path.join(release_folder(), "holdfast"), *map(str, arguments), "--coordinator", self.cluster.coordinator],
            capture_output=True, text=True, timeout=60)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done


class FailoverCase(ClusterCase):
    """Buyers on a cluster whose nodes are killed, and what is asked of it afterwards."""

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
