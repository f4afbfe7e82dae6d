"""What the end-to-end tests share: a cluster of real processes for each class, on free ports, in a temporary folder."""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))

from lib import processes  # noqa: E402
from lib.holdfast import Holdfast  # noqa: E402


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
