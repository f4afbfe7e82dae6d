"""The recovery drills in their short form: what docs/operations.md says about old directories and coordinators, and about twins, is so.
`cluster/recovery-drill` is the long form."""

import os
import shutil
import subprocess
import tempfile
import unittest

from common import ROOT, release_folder
from lib import drill_rows, fault_run


class Recovery(unittest.TestCase):
    def test_the_command_says_what_it_does(self):
        path = os.path.join(ROOT, "cluster", "recovery-drill")
        done = subprocess.run([path, "--help"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cluster/recovery-drill", done.stdout)
        listed = subprocess.run([path, "--short", "--list"], capture_output=True, text=True, timeout=60)
        self.assertEqual(listed.stdout.splitlines(), drill_rows.SHORT)


def add(name):
    def test(self):
        needs = drill_rows.DRILLS[name][3]
        if not fault_run.have(needs):
            self.skipTest(f"needs {', '.join(needs)}")
        folder = tempfile.mkdtemp(prefix="holdfast-drill-")
        found = drill_rows.carry_out(name, os.path.join(folder, "run"), binaries=release_folder())
        print(f"\n{name}: {found['acknowledged']} acknowledged, {found['lost']} lost, {found['doubled']} doubled, {found['seconds']} s")
        self.assertEqual(found["problems"][:5], [], f"logs in {folder}")
        shutil.rmtree(folder, True)
    test.__doc__ = name
    setattr(Recovery, "test_" + "".join(letter if letter.isalnum() else "_" for letter in name), test)


for each in drill_rows.SHORT:
    add(each)

if __name__ == "__main__":
    unittest.main()
