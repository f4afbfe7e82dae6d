"""Nodes and routers as machines run them: started in any order, as the first process of a container, ended by a supervisor."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from common import Holdfast, processes, release_folder
from lib.fault_run import Etcd

NO_NODE = "the cluster has no node yet: start holdfast-node with the same --coordinator"


class ProcessCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="holdfast-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def cluster(self, **options):
        cluster = Holdfast(self.folder, binaries=release_folder(), shards=4, loops=1,
                           node_options=["--segment-bytes", str(1 << 20)], **options)
        self.addCleanup(cluster.stop)
        os.makedirs(os.path.join(self.folder, "map"), exist_ok=True)
        return cluster

    def wait_detail(self, cluster, wanted):
        """Until /readyz says so. Any other refusal on the way has the shape of a problem."""
        def said():
            status, head, body = cluster.get("/readyz")
            self.assertEqual((status, body["code"], head["Retry-After"]), (503, "unavailable", "1"), body)
            return wanted in body["detail"]
        processes.wait_until(wanted, said, 30, cluster.processes["router"])


class Started(ProcessCase):
    def test_a_router_before_the_first_node(self):
        cluster = self.cluster()
        cluster.start_router()
        self.wait_detail(cluster, NO_NODE)
        self.assertEqual(cluster.get("/healthz")[0], 200)
        status, _, text = cluster.get("/metrics")
        self.assertEqual(status, 200)
        self.assertIn("holdfast_router_build_info", text)
        status, _, body = cluster.request("POST", "/v1/reserve", {"event": "arena", "buyer": "ann", "seats": ["#1"]})
        self.assertEqual((status, body["code"], body["detail"]), (503, "unavailable", NO_NODE))
        resp = cluster.resp()
        self.assertEqual(resp.call("PING"), "PONG")

        # Opened before: they go over.
        kept = http.client.HTTPConnection("127.0.0.1", cluster.http, timeout=30)
        kept.request("GET", "/v1/events")
        self.assertEqual(kept.getresponse().read().count(b"no node yet"), 1)
        before = kept.sock.getsockname()
        # Somebody connects all the time, and none is refused or left without an answer.
        failures, asked, over = [], 0, threading.Event()

        def knock():
            nonlocal asked
            while not over.is_set():
                try:
                    status, _, _ = cluster.get("/readyz")
                    if status not in (200, 503):
                        failures.append(status)
                except OSError as error:
                    failures.append(error)
                asked += 1
        knocker = threading.Thread(target=knock)
        knocker.start()
        try:
            for name in cluster.names:
                cluster.start_node(name)
            cluster.wait_ready()
        finally:
            over.set()
            knocker.join()
        self.assertEqual(failures, [])
        self.assertGreater(asked, 10)
        kept.request("GET", "/readyz")
        answer = kept.getresponse()
        self.assertEqual((answer.status, kept.sock.getsockname()), (200, before), answer.read())
        cluster.create_event("arena", rows=1, seats_per_row=10)
        self.assertEqual(len(resp.call("HOLD", "arena", "ann", 60, "#1")), 4)

    def test_a_router_before_its_etcd(self):
        etcd = Etcd(self.folder)
        cluster = self.cluster(coordinator=etcd.coordinator)
        cluster.start_router()
        self.wait_detail(cluster, "the coordinator cannot be reached: etcd at 127.0.0.1:%d" % etcd.port)
        _, _, body = cluster.get("/v1/events")
        self.assertEqual(body["detail"], "the router cannot reach its coordinator and knows no node yet")
        self.assertIn("holdfast_router_coordinator_up 0\n", cluster.get("/metrics")[2])
        etcd.start()
        self.addCleanup(etcd.stop)
        self.wait_detail(cluster, NO_NODE)
        self.assertIn("holdfast_router_coordinator_up 1\n", cluster.get("/metrics")[2])
        for name in cluster.names:
            cluster.start_node(name)
        cluster.wait_ready()
        with open(os.path.join(self.folder, "router.log")) as file:
            messages = [json.loads(line)["message"] for line in file]
        self.assertEqual(messages[:3], [
            "the coordinator cannot be reached: the router waits for it, and answers that it is not ready",
            "the coordinator can be reached again", "waiting for the cluster's first node"])

    def test_what_no_waiting_mends_is_said_at_once(self):
        file = os.path.join(self.folder, "file")
        with open(file, "w"):
            pass
        for flags, status, text in [
            (["--coordinator", f"file:{file}/map"], 1, f"{file}/map/map: Not a directory"),
            (["--coordinator", "etcd:http://127.0.0.1:2379/holdfast"], 2, "--coordinator is file:DIR or etcd:"),
            (["--coordinator", f"file:{self.folder}/map", "--tls-cert", file, "--tls-key", file], 1, file),
        ]:
            done = subprocess.run(
                [os.path.join(release_folder(), "holdfast-router"), "--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0", *flags],
                capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
            self.assertIn(text, done.stderr)


class Ended(ProcessCase):
    """SIGTERM ends each process, in each phase, with status 0; also where it is the first process of a container, to which the kernel
    gives no default signal actions."""

    # A namespace for processes of its own, and the user's right to make one.
    container = ["unshare", *(["--user", "--map-root-user"] if os.geteuid() else []), "--pid", "--fork", "--mount-proc"]

    def process_in(self, launcher):
        """The number, out here, of the process that a container's launcher started."""
        def child():
            with open(f"/proc/{launcher.pid}/task/{launcher.pid}/children") as file:
                pids = file.read().split()
            return int(pids[0]) if pids and "/holdfast-" in os.readlink(f"/proc/{pids[0]}/exe") else None
        return processes.wait_until("the container's process", child, 30, launcher)

    def end(self, cluster, name, contained):
        launcher = cluster.processes[name]
        began = time.monotonic()
        os.kill(self.process_in(launcher) if contained else launcher.pid, signal.SIGTERM)
        self.assertEqual(launcher.wait(30), 0, processes.tail(launcher.log))
        return time.monotonic() - began

    def mute(self):
        """A coordinator that takes connections and says nothing."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        return "etcd:http://127.0.0.1:%d" % listener.getsockname()[1]

    def log(self, name):
        with open(os.path.join(self.folder, name + ".log")) as file:
            return file.read()

    def wrapped(self, contained):
        return {name: self.container for name in ("n1", "n2", "router")} if contained else {}

    def test_in_the_starting_phase(self):
        for contained in (False, True):
            with self.subTest(contained=contained):
                cluster = self.cluster(coordinator=self.mute(), wrap=self.wrapped(contained))
                cluster.start_router()
                # Within a second the door speaks, whatever the coordinator does.
                self.wait_detail(cluster, "asks its coordinator")
                cluster.start_node("n1")
                if contained:
                    self.process_in(cluster.processes["n1"])
                time.sleep(0.3)
                self.end(cluster, "n1", contained)
                self.end(cluster, "router", contained)
                self.assertIn("node ends before it is up", self.log("n1"))
                self.assertIn("ends before it serves", self.log("router"))

    def test_while_they_serve(self):
        for contained in (False, True):
            with self.subTest(contained=contained):
                cluster = self.cluster(wrap=self.wrapped(contained)).start()
                for name in ("router", "n1", "n2"):
                    self.end(cluster, name, contained)
                self.assertIn("node has stopped", self.log("n1"))
                self.assertIn('"message":"stopped"', self.log("router"))
