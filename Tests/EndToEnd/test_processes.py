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
import urllib.request

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

    def messages(self, name):
        with open(os.path.join(self.folder, name + ".log")) as file:
            return [json.loads(line)["message"] for line in file if line.startswith("{")]

    def cli(self, cluster, *arguments, status=0):
        done = subprocess.run(
            [os.path.join(release_folder(), "holdfast"), *arguments, "--coordinator", cluster.coordinator],
            capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def routers(self, cluster, *flags):
        return json.loads(self.cli(cluster, "status", "--json", *flags).stdout)["routers"]

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
        self.assertEqual(self.messages("router")[:3], [
            "the coordinator cannot be reached: the router waits for it, and answers that it is not ready",
            "the coordinator can be reached again", "waiting for the cluster's first node"])
        # Lost later, it is no reason to send buyers elsewhere, and both processes say that it is lost.
        self.assertEqual(cluster.get("/readyz")[2], {"status": "ready"})
        etcd.stop()
        lost, back = "the coordinator cannot be reached: sales go on, and roles cannot change", "the coordinator can be reached again"
        processes.wait_until("the lost coordinator's word", lambda: cluster.get("/readyz")[2].get("coordinator") == "unreachable")
        self.assertEqual(cluster.get("/readyz")[:1], (200,))
        for name in ("router", "n1"):
            processes.wait_until(lost, lambda: self.messages(name)[-1] == lost)
        etcd.start()
        processes.wait_until("the word is gone", lambda: cluster.get("/readyz")[2] == {"status": "ready"})
        for name in ("router", "n1"):
            processes.wait_until(back, lambda: self.messages(name)[-1] == back)
            self.assertEqual(self.messages(name).count(lost), 1)

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


class Registered(ProcessCase):
    """What a router tells the coordinator of itself."""

    def test_addresses_that_others_can_connect_to(self):
        cluster = self.cluster()
        cluster.names = ["n1"]
        cluster.start()
        here = socket.gethostname()
        ports = processes.free_ports(4)
        for name, flags, wanted in [
            ("everywhere", ["--http", f"0.0.0.0:{ports[0]}", "--tcp", f"[::]:{ports[1]}"],
             {"http": f"{here}:{ports[0]}", "tcp": f"{here}:{ports[1]}"}),
            ("advertised", ["--http", f"0.0.0.0:{ports[2]}", "--tcp", f"0.0.0.0:{ports[3]}",
                            "--advertise-http", f"127.0.0.1:{ports[2]}", "--advertise-tcp", "shop.example:7400"],
             {"http": f"127.0.0.1:{ports[2]}", "tcp": "shop.example:7400"}),
        ]:
            process = processes.start(
                [os.path.join(release_folder(), "holdfast-router"), "--coordinator", cluster.coordinator, *flags],
                os.path.join(self.folder, name + ".log"))
            self.addCleanup(processes.stop, process)
            processes.wait_until("it serves", lambda: "serving" in self.messages(name), 30, process)
            found = [router for router in self.routers(cluster) if router["pid"] == process.pid]
            self.assertEqual(len(found), 1)
            self.assertEqual({key: found[0][key] for key in wanted}, wanted)
            self.assertEqual((found[0]["host"], found[0]["state"]), (here, "up"))
            self.assertNotIn("0.0.0.0", json.dumps(found))
        for flag in ("--advertise-http", "--advertise-tcp"):
            done = subprocess.run(
                [os.path.join(release_folder(), "holdfast-router"), flag, "0.0.0.0:80"], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"{flag}: 0.0.0.0 is every address of this machine and none that others can connect to", done.stderr)

    def test_another_machine_at_the_same_address(self):
        """A machine is told by the name that it calls itself, so a namespace for names makes another one of this."""
        cluster = self.cluster()
        cluster.names = ["n1"]
        cluster.start()
        apart = ["unshare", *(["--user", "--map-root-user"] if os.geteuid() else []), "--uts", "--net", "sh", "-c",
                 'hostname elsewhere; ip link set lo up; exec "$@"', "sh"]
        process = processes.start(
            [*apart, os.path.join(release_folder(), "holdfast-router"), "--coordinator", cluster.coordinator,
             "--http", f"127.0.0.1:{cluster.http}", "--tcp", f"127.0.0.1:{cluster.tcp}"], os.path.join(self.folder, "elsewhere.log"))
        self.addCleanup(processes.stop, process)
        processes.wait_until("it serves", lambda: "serving" in self.messages("elsewhere"), 30, process)
        # Nobody here can ask it, and what answers here at its address is not taken for it.
        self.assertEqual(
            sorted((router["host"], router["http"], router["state"]) for router in self.routers(cluster)),
            sorted([(socket.gethostname(), f"127.0.0.1:{cluster.http}", "up"), ("elsewhere", f"127.0.0.1:{cluster.http}", "unknown")]))
        processes.stop(process)
        self.assertEqual([router["host"] for router in self.routers(cluster)], [socket.gethostname()])


class OverTLS(ProcessCase):
    """Doors that speak TLS, with certificates made here, and the CLI before them."""

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)

    def authority(self, name):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                     "-keyout", name + ".key", "-out", name + ".pem")
        return os.path.join(self.folder, name + ".pem")

    def test_status_and_calls(self):
        ours, strange = self.authority("ours"), self.authority("strange")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=router", "-keyout", "router.key",
                     "-out", "router.csr")
        with open(os.path.join(self.folder, "names"), "w") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        self.openssl("x509", "-req", "-in", "router.csr", "-CA", "ours.pem", "-CAkey", "ours.key", "-CAcreateserial", "-days", "2",
                     "-extfile", "names", "-out", "router.pem")
        cluster = self.cluster(router_options=["--tls-cert", os.path.join(self.folder, "router.pem"),
                                               "--tls-key", os.path.join(self.folder, "router.key")])
        cluster.names = ["n1"]
        cluster.start_node("n1")
        cluster.start_router()
        processes.wait_until("it serves", lambda: "serving" in self.messages("router"), 30, cluster.processes["router"])
        door = f"127.0.0.1:{cluster.http}"

        # Whether it lives may be asked of anybody; whom to trust is for who says it.
        for flags, state in [((), "up"), (("--ca", ours), "up"), (("--ca", strange), "unknown"), (("--tls",), "unknown")]:
            found = self.routers(cluster, *flags)
            self.assertEqual([(router["tls"], router["state"]) for router in found], [(True, state)], flags)
        self.assertIn(f"unknown: {door}: its certificate is not trusted: ", self.cli(cluster, "status", "--ca", strange).stdout)

        self.assertIn("EVENT", self.cli(cluster, "event", "list", "--http", door, "--ca", ours).stdout)
        for flags in (["--ca", strange], ["--tls"]):
            done = self.cli(cluster, "event", "list", "--http", door, *flags, status=3)
            self.assertRegex(done.stderr, f"^holdfast.*: {door}: its certificate is not trusted: .*[(]--ca FILE says whom to trust[)]$")
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        done = self.cli(cluster, "event", "list", "--http", door, "--ca", self.folder + "/router.csr", status=2)
        self.assertIn("--ca: the certificates in", done.stderr)
        # Without TLS there is no answer, and no hang.
        self.cli(cluster, "event", "list", "--http", door, status=3)


class Linted(ProcessCase):
    """Prometheus' own linter has nothing to say of any metric, in any phase."""

    def lint(self, text):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_metrics(self):
        port = processes.free_ports(1)[0]
        cluster = self.cluster()
        cluster.names = ["n1"]
        cluster.node_options += ["--metrics", f"127.0.0.1:{port}"]
        cluster.start_router()
        self.wait_detail(cluster, NO_NODE)
        self.lint(cluster.get("/metrics")[2])
        cluster.start_node("n1")
        cluster.wait_ready()
        cluster.create_event("arena", rows=1, seats_per_row=10)
        for method, path, status in [("HEAD", "/v1/events/arena", 200), ("GET", "/v1/events/arena", 200), ("GET", "/nowhere", 404),
                                     ("BREW", "/nowhere", 404), ("OPTIONS", "/v1/reserve", 204)]:
            self.assertEqual(cluster.request(method, path)[0], status)
        client = cluster.resp()
        self.addCleanup(client.close)
        client.call("HOLD", "arena", "ann", 60, "#1")
        text = cluster.get("/metrics")[2]
        self.lint(text)
        counts = "holdfast_router_http_requests_total{"
        for labels in ['method="HEAD",route="/v1/events/{event}",code="200"', 'method="GET",route="/v1/events/{event}",code="200"',
                       'method="GET",route="none",code="404"', 'method="other",route="none",code="404"',
                       'method="OPTIONS",route="none",code="204"']:
            self.assertIn(counts + labels + "} 1\n", text)
        self.assertNotIn('method=""', text)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            self.lint(answer.read().decode())


class WithoutHardLinks(ProcessCase):
    """The file coordinator where a file has one name only: a tracer answers for the file system."""

    def traced(self, *calls):
        words = ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null"]
        for call in calls:
            words += ["-e", f"inject={call}"]
        return [*words[:5], "-e", "trace=link,renameat2", *words[5:]]

    def test_a_rename_does(self):
        wrap = self.traced("link:error=EPERM")
        cluster = self.cluster(wrap={"n1": wrap, "n2": wrap, "router": wrap}).start()
        cluster.create_event("arena", rows=1, seats_per_row=10)
        client = cluster.resp()
        self.addCleanup(client.close)
        client.call("HOLD", "arena", "ann", 60, "#1")
        # Roles change by compare-and-set, and the loser of a race is told so.
        self.cli(cluster, "failover", "--node", "n1")
        self.assertTrue(all(shard["primary"] == "n2" for shard in json.loads(self.cli(cluster, "status", "--json").stdout)["shards"]))
        client.call("HOLD", "arena", "ann", 60, "#2")
        self.assertEqual(os.listdir(os.path.join(self.folder, "map", "tmp")), [])

    def test_without_either_it_says_so_at_the_start(self):
        wrap = self.traced("link:error=EPERM", "renameat2:error=EINVAL")
        for program, flags in [("holdfast-node", ["--listen", "127.0.0.1:0"]),
                               ("holdfast-router", ["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0"])]:
            done = subprocess.run(
                [*wrap, os.path.join(release_folder(), program), "--coordinator", f"file:{self.folder}/map", *flags],
                capture_output=True, text=True, timeout=60, cwd=self.folder)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(f"{self.folder}/map/tmp is on a file system with neither hard links nor renames that replace nothing: give "
                          "--coordinator file:DIR a directory on another one", done.stderr)
