"""Counts that gate: what a request costs in allocations, system calls and bytes, each below its limit in bench/thresholds.json. They
repeat, however busy the machine is; `bench/counts` prints them."""

import shutil
import tempfile
import unittest

from common import release_folder
from lib import counts
from lib.resp import RespError


class Thresholds(unittest.TestCase):
    def test_counts_stay_below_their_limits(self):
        if not shutil.which("strace"):
            self.skipTest("needs strace")
        limits = counts.thresholds()
        problems = []
        for attempt in range(3):
            folder = tempfile.mkdtemp(prefix="holdfast-counts-")
            try:
                found = counts.measure(folder, release_folder())
                problems = counts.over(found, limits)
            except (SystemExit, OSError, RespError) as error:
                found, problems = limits, [f"the load did not run: {error!r}; logs in {folder}"]
                print("\n" + problems[0])
                continue
            shutil.rmtree(folder, True)
            # A machine that stood still in the wrong moment can split a batch; three times in a row it does not.
            if not problems:
                break
        self.assertEqual(problems, [])
        self.assertEqual(sorted(set(limits) - set(found)), [], "limits of counts that nobody makes")

    def test_what_is_over_its_limit_is_said(self):
        self.assertEqual(counts.over({"calls": 9.0}, {"calls": 10}), [])
        self.assertEqual(counts.over({"calls": 15.0}, {"calls": 10}), ["calls: 15.00, 5.00 (50 %) over its limit of 10"])
        self.assertEqual(len(counts.over({"new": 1.0}, {})), 1)


if __name__ == "__main__":
    unittest.main()
