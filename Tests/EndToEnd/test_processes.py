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

    def wait_detail(self, cluster, wanted, router="router"):
        """Until /readyz says so. Any other refusal on the way has the shape of a problem."""
        def said():
            status, head, body = cluster.get("/readyz")
            self.assertEqual((status, body["code"], head["Retry-After"]), (503, "unavailable", "1"), body)
            return wanted in body["detail"]
        processes.wait_until(wanted, said, 30, cluster.processes[router])


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


class Signalled(ProcessCase):
    """SIGHUP opens the log anew; what means nothing to a server does not end it, not even while it starts."""

    harmless = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE)

    def lines(self, path):
        with open(path) as file:
            return [json.loads(line)["message"] for line in file]

    def rotate(self, path):
        """What logrotate does with `create`: another name, and a new file with its own permissions."""
        os.rename(path, path + ".1")
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640))

    def wait_line(self, path, message):
        processes.wait_until(message, lambda: message in self.lines(path), 30)

    def test_a_log_is_rotated(self):
        logs = {name: os.path.join(self.folder, name + ".json") for name in ("n1", "router")}
        cluster = self.cluster()
        cluster.names = ["n1"]
        cluster.router_options += ["--log", logs["router"]]
        cluster.node_options += ["--log", logs["n1"]]
        cluster.start()
        for name, path in logs.items():
            before = self.lines(path)
            self.assertGreater(len(before), 0)
            self.rotate(path)
            os.kill(cluster.processes[name].pid, signal.SIGHUP)
            self.wait_line(path, "the log was opened anew")
            self.assertEqual(self.lines(path)[0], "the log was opened anew")
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o640)
        self.assertEqual(cluster.get("/readyz")[0], 200)
        cluster.stop()
        self.assertEqual(self.lines(logs["router"])[-1], "stopped")
        self.assertEqual(self.lines(logs["n1"])[-1], "node has stopped")
        for name, path in logs.items():
            self.assertNotIn("stopped", " ".join(self.lines(path + ".1")))
            with open(os.path.join(self.folder, name + ".log")) as file:
                self.assertEqual(file.read(), "", "with --log nothing goes to stdout")

    def test_logs_of_holdfast_up_are_rotated(self):
        data = os.path.join(self.folder, "data")
        ports = processes.free_ports(4)
        flags = ["--nodes", f"127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}", "--http", f"127.0.0.1:{ports[2]}",
                 "--tcp", f"127.0.0.1:{ports[3]}", "--data", data, "--shards", "2", "--loops", "1", "--demo", "none"]

        def cli(*arguments):
            done = subprocess.run([os.path.join(release_folder(), "holdfast"), *arguments], capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.addCleanup(subprocess.run, [os.path.join(release_folder(), "holdfast"), "down", "--data", data], capture_output=True)
        cli("up", *flags)
        for name in ("n1", "n2", "router"):
            path = os.path.join(data, "log", name + ".log")
            with open(os.path.join(data, "run", name + ".pid")) as file:
                pid = int(file.read())
            self.assertGreater(len(self.lines(path)), 0)
            self.rotate(path)
            os.kill(pid, signal.SIGHUP)
            self.wait_line(path, "the log was opened anew")
            # What a crash would print goes there, too.
            self.assertEqual([os.readlink(f"/proc/{pid}/fd/{number}") for number in (1, 2)], [path, path])
        cli("down", "--data", data)
        self.assertIn("stopped", self.lines(os.path.join(data, "log", "router.log")))

    def test_none_of_them_ends_a_process(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        starting = self.cluster(coordinator="etcd:http://127.0.0.1:%d" % listener.getsockname()[1])
        starting.start_router("early")
        self.wait_detail(starting, "asks its coordinator", "early")
        starting.start_node("n1")
        time.sleep(0.3)
        serving = self.cluster().start()
        for cluster, names in [(starting, ["early", "n1"]), (serving, ["router", "n1", "n2"])]:
            for name in names:
                for each in self.harmless:
                    os.kill(cluster.processes[name].pid, each)
                if cluster is serving:
                    self.wait_line(cluster.processes[name].log, "SIGHUP opens a log anew that has a file (--log); this one has none")
        self.assertEqual(serving.get("/readyz")[0], 200)
        self.assertEqual(starting.get("/healthz")[0], 200)
        for cluster in (starting, serving):
            for name, process in cluster.processes.items():
                # The node gives up by itself when its coordinator has not answered for two seconds.
                self.assertIn(process.poll(), (None, 1) if (cluster, name) == (starting, "n1") else (None,), name)

    def test_a_log_that_cannot_be_opened_is_named(self):
        for program in ("holdfast-node", "holdfast-router"):
            done = subprocess.run([os.path.join(release_folder(), program), "--log", self.folder + "/nowhere/x.log"],
                                  capture_output=True, text=True, timeout=30)
            self.assertEqual((done.returncode, done.stderr), (
                1, f"{program}: the log {self.folder}/nowhere/x.log cannot be opened: No such file or directory\n"))
