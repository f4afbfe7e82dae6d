"""The benchmarks' parts with tiny inputs, so that they keep working; and their counting, which says whether a seat was sold twice."""

import os
import subprocess
import tempfile
import unittest

from common import ROOT, ClusterCase, release_folder
from lib import airline, drivers, idle
from lib.table import Table


class Benchmarks(ClusterCase):
    options = {"shards": 4}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tool = os.path.join(release_folder(), "holdfast-load")
        if not os.path.exists(cls.tool):
            cls.tearDownClass()
            raise unittest.SkipTest("holdfast-load is not built")

    def test_the_airline_sells_no_seat_twice(self):
        flights = airline.FLIGHTS
        airline.FLIGHTS = 8  # few and soon full, so that customers meet
        try:
            for door in ("resp", "http"):
                found, held = airline.on_holdfast(self.cluster, f"air-{door}", door, 1, [5, 1, 1], 1, connections=16)
                self.assertEqual(airline.problems(door, found, held), [])
                self.assertGreater(found["owned"], 0)
                done = {name: counts["done"] for name, counts in found["transactions"].items()}
                self.assertEqual(set(done), {"FindOpenSeats", "NewReservation", "UpdateReservation", "DeleteReservation"})
                self.assertTrue(all(done.values()), done)
                self.assertGreater(done["FindOpenSeats"], done["DeleteReservation"])
        finally:
            airline.FLIGHTS = flights

    def test_what_the_airline_says_when_a_seat_was_sold_twice(self):
        found = {"doubled": 1, "errors": 0, "owned": 10, "words": {}}
        self.assertEqual(len(airline.problems("x", found, 10)), 1)
        self.assertEqual(len(airline.problems("x", found, 9)), 2)

    def test_flights_are_wanted_as_the_histograms_say(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("flights_per_airport", '{"HISTOGRAM":{"A-B":100,"B-C":1000}}'),
                               ("flights_per_time", '{"HISTOGRAM":{"00:00":10,"12:00":30}}')):
                with open(os.path.join(folder, "histogram." + name), "w") as file:
                    file.write(text)
            self.assertEqual(set(airline.weights(folder, 100)), {1, 3, 10, 30})
        self.assertEqual(airline.weights(None), [])

    def test_idle_connections_stay(self):
        pid = self.cluster.processes["router"].pid
        before = idle.resident(pid)
        held = idle.IdleConnections(self.cluster.http, 200)
        self.assertEqual(held.alive(), 200)
        held.close()
        self.assertLess((idle.resident(pid) - before) / 200, 1 << 16)

    def test_the_table_has_medians_and_promises(self):
        table = Table()
        table.promise("peer", "kept")
        for mine, theirs in ((10, 4), (30, 5), (20, 6)):
            table.add("row", "holdfast", mine)
            table.add("row", "peer", theirs)
        self.assertIn("| row | peer | kept | 5 | 4 to 6 | 4.00 × |", table.text())

    def test_each_tool_says_what_it_does(self):
        folder = os.path.join(ROOT, "bench")
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            with open(path) if os.path.isfile(path) else open(os.devnull) as file:
                if "python3" not in file.readline():
                    continue
            done = subprocess.run([path, "--help"], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, f"{name}: {done.stderr}")
            self.assertIn(f"bench/{name}", done.stdout)

    def test_redis_benchmark_holds_places(self):
        event = self.new_event(areas=[{"name": "Floor", "capacity": 1000, "price": 1}])
        found = drivers.redis_benchmark(self.cluster.tcp, ["HOLD.AREA", event, "b1", 600, "Floor", 1], 500, 4, clients=4)
        self.assertGreater(found["rate"], 0)
        self.assertEqual(self.cluster.held(event), 500)


if __name__ == "__main__":
    unittest.main()
