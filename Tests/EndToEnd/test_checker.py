"""The judge can tell a wrong history from a right one: without this, its silence would prove nothing."""

import os
import subprocess
import unittest

import common  # noqa: F401
from lib import processes
from lib.checker import Operation, linearizable


def call(kind, who, called, returned, result, hold=None):
    operation = Operation(kind, 1, who, who, called)
    operation.returned, operation.result, operation.hold = returned, result, hold
    return operation


class Planted(unittest.TestCase):
    def test_every_planted_mistake_fits_the_sources(self):
        """What the simulator must find is kept as patches: one that no longer applies plants nothing."""
        folder = os.path.join(processes.ROOT, "Tests", "Planted")
        patches = sorted(name for name in os.listdir(folder) if name.endswith(".patch"))
        self.assertGreater(len(patches), 20)
        for name in patches:
            done = subprocess.run(["git", "apply", "--check", os.path.join(folder, name)], cwd=processes.ROOT, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, f"mend Tests/Planted/{name}: {done.stderr}")


class Judge(unittest.TestCase):
    def test_right_histories(self):
        for history in (
            [call("hold", "a", 0, 1, "ok", "A"), call("hold", "b", 2, 3, "taken")],
            [call("hold", "a", 0, 9, "ok", "A"), call("hold", "b", 2, 3, "ok", "B"), call("release", "b", 3, 4, "ok", "B")],
            [call("hold", "a", 0, None, "unknown"), call("hold", "b", 2, 3, "taken")],
            [call("hold", "a", 0, 1, "ok", "A"), call("release", "a", 2, 3, "ok", "A"), call("hold", "b", 4, 5, "ok", "B")],
        ):
            self.assertTrue(linearizable(history))

    def test_wrong_histories(self):
        for what, history in {
            "a double sale": [call("hold", "a", 0, 1, "ok", "A"), call("hold", "b", 2, 3, "ok", "B")],
            "refused although free": [call("hold", "a", 0, 1, "taken")],
            "sold before it was released": [
                call("hold", "a", 0, 1, "ok", "A"), call("hold", "b", 4, 5, "ok", "B"), call("release", "a", 6, 7, "ok", "A")],
            "a hold that was forgotten": [call("hold", "a", 0, 1, "ok", "A"), call("release", "a", 2, 3, "gone", "A")],
        }.items():
            self.assertFalse(linearizable(history), what)


if __name__ == "__main__":
    unittest.main()
