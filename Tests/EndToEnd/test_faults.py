"""The fault matrix in its short form: each fault strikes once, with few buyers. `bench/faults` is the long form."""

import os
import shutil
import tempfile
import unittest

from common import release_folder
from lib import fault_rows

SHORT = [
    "kill -9 of the follower",
    "kill -9 of the router, started again",
    "kill -9 of the primary, roles in etcd",
    "kill -9 of etcd, started again",
    "retries of every kind with the same key, over kill -9 of the primary",
    "a hundred restarts in a row",
    "the wall clocks an hour forward, then back",
    "a twin of the live primary is started from a copy of its directory",
    "the primary stands still, a twin of it is started, it wakes up",
    "the primary's directory is replaced by yesterday's",
    "the coordinator's directory is deleted, then kill -9 of the primary",
    "etcd is restored from yesterday's snapshot, then kill -9 of the primary",
    "SIGTERM to the primary whose log nobody reads",
    "fdatasync of the primary fails (EIO)",
    "the follower is killed at its n-th log write",
    "the primary is killed at its n-th rename",
    "bit flip in the follower's log, middle",
    "bit flip in the follower's log, tail",
    "bit flip in the follower's snapshot, middle",
    "bit flip in the primary's log, head",
    "cut off: the primary's log, middle",
    "cut off: the primary's snapshot, tail",
    "a full disk (tmpfs) under the follower",
    "the nodes cannot hear each other",
    "the primary is cut off from everybody",
    "connections are reset in the middle of frames for 3 s",
]


class Faults(unittest.TestCase):
    pass


def add(name):
    def test(self):
        function, needs = fault_rows.ROWS[name]
        if not fault_rows.have(needs):
            self.skipTest(f"needs {', '.join(needs)}")
        folder = tempfile.mkdtemp(prefix="holdfast-fault-")
        found = fault_rows.carry_out(name, os.path.join(folder, "run"), clients=16, binaries=release_folder())
        print(f"\n{name}: {found['acknowledged']} acknowledged, {found['lost']} lost, {found['doubled']} doubled, longest gap "
              f"{found['gap_ms']} ms, healed after {found['healed_s']} s")
        self.assertEqual(found["problems"][:3], [], f"logs in {folder}")
        shutil.rmtree(folder, True)
    test.__doc__ = name
    setattr(Faults, "test_" + "".join(letter if letter.isalnum() else "_" for letter in name), test)


for each in SHORT:
    add(each)

if __name__ == "__main__":
    unittest.main()
