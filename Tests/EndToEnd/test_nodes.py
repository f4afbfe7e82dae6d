"""What happens to nodes, from outside: declared dead, come back with an empty disk or far behind, damaged alone, full, refused by the disk."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request

from common import ROOT, SEATS_PER_ROW, FailoverCase, release_folder
from lib import processes
from lib.checker import find_holds_over, judge
from lib.http_recorder import HTTPRecorder


class NodeCase(FailoverCase):
    def kill(self, name):
        os.kill(self.cluster.processes[name].pid, signal.SIGKILL)
        self.cluster.processes[name].wait()

    def folder_of(self, name):
        return os.path.join(self.folder, name)

    def dump(self, name, *flags):
        """The node's log, one object a frame."""
        done = subprocess.run([os.path.join(release_folder(), "holdfast"), "log", "dump", self.folder_of(name), "--json", *flags],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def log_of(self, name):
        with open(os.path.join(self.folder, name + ".log"), errors="replace") as file:
            return file.read()

    def events_of_every_shard(self):
        """One event for each shard, by shard."""
        events, number = {}, 0
        while len(events) < self.cluster.shards:
            event = f"e{number}"
            number += 1
            shard = int(self.admin("event", "shard", event).stdout.split()[-1])
            if shard not in events:
                self.cluster.create_event(event, rows=1, seats_per_row=100)
                events[shard] = event
        return events

    def hold(self, event, seat):
        client = self.cluster.resp()
        try:
            return client.call("HOLD", event, "buyer", 600, f"#{seat}")[0]
        finally:
            client.close()


class DeclaredDead(NodeCase):
    """Nobody takes over by himself within ten minutes: what happens is what the operator says."""

    options = {"shards": 4, "node_options": ["--failure-timeout", "600000"]}

    def test_a_killed_primary_is_declared_dead(self):
        self.wait_in_sync()
        event = "forced"
        self.cluster.create_event(event, rows=5, seats_per_row=SEATS_PER_ROW)
        recorder = HTTPRecorder([self.cluster.http], event, 5 * SEATS_PER_ROW, clients=64, think=0.004).start()
        self.wait_yeses(recorder, 300)
        victim = self.primary_of(event)
        other = next(name for name in self.cluster.names if name != victim)
        self.kill(victim)
        # Calls that were under way end; then everything waits, and nobody takes over.
        time.sleep(1.5)
        stalled = recorder.yeses()
        self.assertEqual({shard["primary"] for shard in self.status()["shards"]}, {victim, other})
        self.assertEqual(recorder.yeses(), stalled, "nobody may sell while the primary is dead")
        began = time.monotonic()
        self.admin("failover", "--force", "--node", victim)
        self.wait_yeses(recorder, 300)
        gap = recorder.longest_gap(began, time.monotonic())
        for shard in self.status()["shards"]:
            self.assertEqual((shard["primary"], shard["follower"]), (other, None))
        self.cluster.start_node(victim)
        self.wait_in_sync()
        self.wait_yeses(recorder, 300)
        recorder.stop()
        problems, counts = judge(recorder, find_holds_over(self.cluster.tcp, SEATS_PER_ROW))
        self.assertEqual(problems[:5], [], counts)
        self.assertEqual(counts["unknown"], 0)
        self.assertEqual(set(recorder.errors) - {"seats_taken", "unavailable", "unknown"}, set(), recorder.errors)
        differing, repeated = recorder.disagreeing_retries()
        self.assertEqual(differing[:5], [])
        self.wait_digests_agree()
        print(f"\ndeclared dead: sells {gap * 1000:.0f} ms after the order; {repeated} retries got their first outcome")

    def test_a_shard_without_another_copy_is_named_and_left_alone(self):
        self.wait_in_sync()
        self.kill("n2")
        self.admin("failover", "--force", "--node", "n2")
        done = self.admin("failover", "--force", "--node", "n1", check=False)
        self.assertEqual(done.returncode, 1)
        for shard in range(self.cluster.shards):
            self.assertIn(f"shard {shard}  refused", done.stdout)
        self.assertIn("has no follower; n1 alone has it", done.stdout)
        self.cluster.start_node("n2")
        self.wait_in_sync()


class BroughtUp(NodeCase):
    """Small segments, and snapshots often: a log soon no longer reaches back."""

    options = {"shards": 4, "node_options": ["--segment-bytes", str(1 << 20), "--snapshot-bytes", "300000"]}

    def begin(self):
        self.wait_in_sync()
        recorder = self.record("a")
        self.wait_yeses(recorder, 200)
        shard = int(self.admin("event", "shard", recorder.event).stdout.split()[-1])
        return recorder, shard, self.primary_of(recorder.event)

    def first_index(self, name, shard):
        """The oldest record of the shard that the node's log still has."""
        frames = [frame for frame in self.dump(name, "--shard", str(shard), "--limit", "1") if frame["kind"] == "records"]
        return frames[0]["first_index"] if frames else None

    def outgrow(self, name, shard, index):
        """Whole plans and large holds go into the log, until it no longer has the shard's record `index`."""
        with open(os.path.join(ROOT, "cluster", "demo", "arena.json")) as file:
            plan = json.load(file)
        number = 0

        def is_gone():
            nonlocal number
            number += 1
            prefix = self._testMethodName.replace("_", "-")
            if number <= 8:
                self.cluster.request("POST", "/v1/events", {"id": f"{prefix}-{number}", "name": "big", "plan": plan})
            else:
                # What makes the log grow and the snapshots not: segments go once the log takes twice what snapshots take.
                if number == 9:
                    self.cluster.create_event(prefix, rows=50, seats_per_row=100)
                client = self.cluster.resp()
                for _ in range(20):
                    hold = client.call("HOLD", prefix, "b", 60, *(f"#{seat}" for seat in range(5_000)))[0]
                    client.call("RELEASE", hold)
                client.close()
            return (self.first_index(name, shard) or 0) > index
        # From here on nothing but a snapshot can bring that record to anybody: a log's beginning only moves forward.
        processes.wait_until("the old segments go", is_gone, 60)

    def finish(self, recorder, began):
        self.wait_in_sync(60)
        self.wait_yeses(recorder, 200)
        gap = recorder.longest_gap(began, time.monotonic())
        counts = self.settle(recorder)
        self.wait_digests_agree()
        self.assertEqual(set(recorder.errors) - {"TAKEN", "TRYAGAIN", "NOHOLD", "EXPIRED"}, set(), recorder.errors)
        return counts, gap

    def test_an_empty_disk(self):
        recorder, shard, primary = self.begin()
        joiner = next(name for name in self.cluster.names if name != primary)
        with open(os.path.join(self.folder_of(joiner), "identity"), "rb") as file:
            old = file.read()
        self.kill(joiner)
        shutil.rmtree(self.folder_of(joiner))
        self.wait_yeses(recorder, 200)
        self.outgrow(primary, shard, 1)
        began = time.monotonic()
        self.cluster.start_node(joiner)
        counts, gap = self.finish(recorder, began)
        with open(os.path.join(self.folder_of(joiner), "identity"), "rb") as file:
            self.assertNotEqual(file.read(), old, "an empty disk is another disk")
        print(f"\nempty disk: {counts['acknowledged']} holds, longest gap {gap * 1000:.0f} ms")

    def test_far_behind(self):
        recorder, shard, primary = self.begin()
        joiner = next(name for name in self.cluster.names if name != primary)
        self.kill(joiner)
        end = max(frame["first_index"] + frame["count"] for frame in self.dump(joiner, "--shard", str(shard)))
        self.wait_yeses(recorder, 200)
        self.outgrow(primary, shard, end)
        began = time.monotonic()
        self.cluster.start_node(joiner)
        counts, gap = self.finish(recorder, began)
        print(f"\nfar behind: {counts['acknowledged']} holds, longest gap {gap * 1000:.0f} ms")


class Metrics(NodeCase):
    options = {"shards": 4, "node_options": ["--metrics", "127.0.0.1:0"]}

    def ask(self, name, path, method="GET"):
        address = next(json.loads(line)["metrics"] for line in self.log_of(name).splitlines() if "node is up" in line)
        try:
            with urllib.request.urlopen(urllib.request.Request(f"http://{address}{path}", method=method), timeout=10) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read().decode()

    def samples(self, name):
        """By name with its labels."""
        status, head, text = self.ask(name, "/metrics")
        self.assertEqual((status, head["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        found, types = {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE"):
                types[line.split()[2]] = line.split()[3]
            elif not line.startswith("#"):
                found[line.rsplit(" ", 1)[0]] = float(line.rsplit(" ", 1)[1])
        for sample in found:
            family = sample.split("{")[0]
            self.assertTrue(family in types or family.rsplit("_", 1)[0] in types, f"{family} has no type")
        return found

    def test_what_a_node_says_of_itself(self):
        self.wait_in_sync()
        event = self.new_event()
        shard = int(self.admin("event", "shard", event).stdout.split()[-1])
        primary = self.primary_of(event)
        before = self.samples(primary)
        self.hold(event, 1)
        for _ in range(20):
            self.cluster.request("POST", "/v1/reserve", {"event": event, "buyer": "b", "best": {"count": 1}},
                                 {"Idempotency-Key": f"k{_}"})
        for name in self.cluster.names:
            after = self.samples(name)
            self.assertEqual(after["holdfast_node_up"], 1)
            self.assertEqual(sum(value for key, value in after.items() if key.startswith("holdfast_node_replicas{")), 4)
            self.assertGreaterEqual(after[f'holdfast_node_shard_applied_index{{shard="{shard}"}}'], 22)
            self.assertEqual(after[f'holdfast_node_shard_holds{{shard="{shard}"}}'], 21)
            self.assertEqual(after["holdfast_node_disk_full"], 0)
        after = self.samples(primary)
        self.assertGreater(after["holdfast_node_log_durable_position"], before["holdfast_node_log_durable_position"])
        self.assertGreaterEqual(after["holdfast_node_log_sync_seconds_count"], before["holdfast_node_log_sync_seconds_count"] + 20)
        self.assertEqual(after['holdfast_node_log_sync_seconds_bucket{le="+Inf"}'], after["holdfast_node_log_sync_seconds_count"])
        self.assertGreater(after[f'holdfast_node_shard_key_bytes{{shard="{shard}"}}'], 0)
        self.assertEqual(self.ask("n1", "/healthz")[::2], (200, '{"status":"ok","version":"0.1.0"}'))
        self.assertEqual(self.ask("n1", "/metrics", "HEAD")[::2], (200, ""))
        self.assertEqual(self.ask("n1", "/nothing")[0], 404)
        status, head, _ = self.ask("n1", "/metrics", "POST")
        self.assertEqual((status, head["Allow"]), (405, "GET, HEAD"))


class Restarts(NodeCase):
    """Who was told that the cluster is ready finds that it is, although this router waits for nobody longer than a second."""

    options = {"shards": 16, "router_options": ["--failover-wait", "1000"]}

    def test_ready_means_ready(self):
        recorder = self.record("a", clients=16)
        for turn in range(5):
            self.wait_yeses(recorder, 100)
            for name in self.cluster.names:
                self.cluster.processes[name].send_signal(signal.SIGKILL if turn % 2 else signal.SIGTERM)
            for name in self.cluster.names:
                self.cluster.processes[name].wait()
                self.cluster.start_node(name)
            self.cluster.wait_ready()
            status, _, event = self.cluster.request(
                "POST", "/v1/events", {"id": f"ready-{turn}", "name": "x", "sections": [{"name": "S", "rows": 1, "seats_per_row": 9, "price": 1}]})
            self.assertEqual(status, 201, event)
            self.hold(event["id"], 3)
        self.wait_in_sync()
        self.settle(recorder)


class AcceptedLoss(NodeCase):
    options = {"shards": 4}

    def damage(self, name, frame):
        """Flips a bit within a frame's block."""
        position = frame["position"] + 84 + frame["block_bytes"] // 2
        folder = os.path.join(self.folder_of(name), "log")
        first, file = max((int(each.split(".")[0]), each) for each in os.listdir(folder)
                          if each.endswith(".seg") and int(each.split(".")[0]) <= position)
        with open(os.path.join(folder, file), "r+b") as segment:
            segment.seek(position - first)
            byte = segment.read(1)[0]
            segment.seek(position - first)
            segment.write(bytes([byte ^ 0x10]))

    def test_the_only_copy_is_damaged(self):
        self.wait_in_sync()
        self.kill("n2")
        self.admin("failover", "--force", "--node", "n2")
        events = self.events_of_every_shard()
        kept = {shard: self.hold(event, 1) for shard, event in events.items()}
        lost = self.hold(events[2], 2)
        others = {shard: self.hold(event, 3) for shard, event in events.items() if shard != 2}
        self.kill("n1")
        frames = [frame for frame in self.dump("n1", "--shard", "2") if frame["kind"] == "records"]
        self.damage("n1", frames[-1])
        self.cluster.start_node("n1")
        client = self.cluster.resp()
        # The others sell at once; the damaged one waits for the operator, however long that takes.
        for shard, event in events.items():
            if shard != 2:
                self.hold(event, 4)
        status, head, answer = self.cluster.request("POST", "/v1/reserve", {"event": events[2], "buyer": "b", "seats": ["#5"]})
        self.assertEqual((status, answer["code"]), (503, "unavailable"), answer)
        self.assertIn("suspect by damage", self.admin("status").stdout)
        refused = self.admin("failover", "--shard", "1", "--accept-loss", check=False)
        self.assertEqual((refused.returncode, "nothing is missing" in refused.stdout), (1, True), refused.stdout)
        before = {shard["shard"]: shard["epoch"] for shard in self.status()["shards"]}

        done = self.admin("failover", "--shard", "2", "--accept-loss")
        last = frames[-1]["first_index"] - 1
        self.assertIn(f"gives up what n1's log may have held behind index {last}", done.stdout)
        self.assertRegex(done.stdout, r"positions \d+ to \d+ cannot be read")

        def sells():
            return self.cluster.request("POST", "/v1/reserve", {"event": events[2], "buyer": "b", "seats": ["#5"]})[0] == 200
        processes.wait_until("the shard sells again", sells, 20)
        for shard, hold in kept.items():
            self.assertEqual(client.map("HOLD.INFO", hold)["buyer"], "buyer", "what lies before the damage is there")
        for shard, hold in others.items():
            self.assertEqual(client.map("HOLD.INFO", hold)["buyer"], "buyer", "the other shards were untouched")
        self.assertEqual(self.cluster.request("GET", f"/v1/holds/{lost}")[0], 404, "what was damaged is what was given up")
        after = {shard["shard"]: shard["epoch"] for shard in self.status()["shards"]}
        self.assertEqual({shard for shard in after if after[shard] != before[shard]}, {2})
        client.close()
        self.cluster.start_node("n2")
        self.wait_in_sync()
        self.wait_digests_agree()


class FullDisk(NodeCase):
    """One node alone: there is nobody to hand over to."""

    options = {"shards": 2, "nodes": 1, "node_options": ["--segment-bytes", str(1 << 20)]}

    @classmethod
    def setUpClass(cls):
        if os.getuid() != 0:
            raise unittest.SkipTest("a small tmpfs can be mounted by root only")
        cls.home = None
        super().setUpClass()

    def test_full_and_free_again(self):
        self.cluster.processes["n1"].send_signal(signal.SIGTERM)
        self.cluster.processes["n1"].wait()
        home = self.folder_of("n1")
        shutil.copytree(home, home + ".old")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", home], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.cluster.start_node("n1")
            self.skipTest(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", home])
        shutil.copytree(home + ".old", home, dirs_exist_ok=True)
        self.cluster.start_node("n1")
        # A copied directory waits, where there is no peer, for somebody to say that it is the newest.
        for shard in range(2):
            def is_accepted():
                done = self.admin("failover", "--shard", str(shard), "--accept-loss", check=False)
                return done.returncode == 0 and "gives up" in done.stdout
            processes.wait_until("the copy is accepted", is_accepted, 20)
        self.cluster.wait_ready()
        self.cluster.create_event("sale", rows=1000, seats_per_row=1000)
        with open(os.path.join(ROOT, "cluster", "demo", "arena.json")) as file:
            plan = json.load(file)
        ballast = os.path.join(home, "ballast")
        with open(ballast, "wb", buffering=0) as file:
            try:
                while file.write(b"\1" * 4096):
                    pass
            except OSError:
                pass
        seat, held, refusal = 0, [], None

        def is_refused():
            """A whole plan, and some long holds for what is left behind it."""
            nonlocal seat, refusal
            self.cluster.request("POST", "/v1/events", {"name": "big", "plan": plan})
            for _ in range(200):
                seat += 40
                seats = [f"#{number}" for number in range(seat, seat + 40)]
                status, head, answer = self.cluster.request(
                    "POST", "/v1/reserve", {"event": "sale", "buyer": "b" * 128, "seats": seats}, {"Idempotency-Key": f"{seat:0255}"})
                if status != 200:
                    refusal = status, answer["code"], head.get("Retry-After")
                    return answer["code"] == "disk_full"
                held.append(answer["hold"])
            return False
        processes.wait_until("a hold is refused for lack of space", is_refused, 60)
        self.assertEqual(refusal[:2], (503, "disk_full"))
        self.assertIsNotNone(refusal[2])
        self.assertIsNone(self.cluster.processes["n1"].poll(), "a full disk ends nobody")
        self.assertIn("the disk is full", self.log_of("n1"))
        # Reads go on, strong ones too, and what was answered is there.
        self.assertEqual(self.cluster.get("/v1/events/sale/seats?read=strong")[0], 200)
        self.assertEqual(self.cluster.get(f"/v1/holds/{held[-1]}")[0], 200)
        os.unlink(ballast)

        def sells():
            return self.cluster.request("POST", "/v1/reserve", {"event": "sale", "buyer": "b", "seats": [f"#{seat}"]})[0] == 200
        processes.wait_until("it recovers by itself", sells, 20)
        self.assertIn("there is room again", self.log_of("n1"))
        for hold in held[:: max(1, len(held) // 50)]:
            self.assertEqual(self.cluster.get(f"/v1/holds/{hold}")[0], 200)


class FailedSync(NodeCase):
    options = {"shards": 2, "nodes": 1}

    def test_a_failed_sync_is_final(self):
        if not shutil.which("strace"):
            self.skipTest("strace is missing")
        self.cluster.processes["n1"].send_signal(signal.SIGTERM)
        self.cluster.processes["n1"].wait()
        self.cluster.start_node("n1", wrap=[
            "strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
            "inject=fdatasync:error=EIO:when=60"])
        self.cluster.create_event("sale", rows=1, seats_per_row=1000)
        process = self.cluster.processes["n1"]
        held, failed = {}, threading.Event()

        def is_over():
            if process.poll() is not None:
                return True
            seat = len(held)
            status, _, answer = self.cluster.request("POST", "/v1/reserve", {"event": "sale", "buyer": "b", "seats": [f"#{seat}"]})
            if status == 200:
                held[seat] = answer["hold"]
            else:
                failed.set()
                self.assertIn(status, (503, 504), answer)
            return False
        processes.wait_until("the disk refuses a sync", is_over, 60)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(self.log_of("n1"), r"holdfast-node: the log failed: .*fdatasync")
        self.assertGreater(len(held), 20)
        self.cluster.start_node("n1")
        for seat, hold in held.items():
            status, _, answer = self.cluster.get(f"/v1/holds/{hold}")
            self.assertEqual((status, answer.get("seats")), (200, [f"Main-A-{seat + 1}"]), "what was answered was synced")


if __name__ == "__main__":
    unittest.main()
