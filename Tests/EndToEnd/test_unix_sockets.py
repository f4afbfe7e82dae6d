"""Doors that are files: what clients and proxies do with them, and what becomes of the file."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

from common import ClusterCase, Holdfast, processes, release_folder

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log warn; {user}
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream holdfast {{ server unix:{door}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://holdfast; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


def run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, **options)


def is_socket(path):
    return os.path.exists(path) and stat.S_ISSOCK(os.lstat(path).st_mode)


class UnixSockets(ClusterCase):
    @classmethod
    def setUpClass(cls):
        cls.sockets = tempfile.mkdtemp(prefix="hf-", dir="/tmp")
        cls.http_door, cls.resp_door = os.path.join(cls.sockets, "http.sock"), os.path.join(cls.sockets, "resp.sock")
        cls.options = {"router_options": ["--http", "unix:" + cls.http_door, "--tcp", "unix:" + cls.resp_door]}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
            left = os.listdir(cls.sockets)
            if left:
                raise AssertionError(f"the router ended, and left {left}")
        finally:
            shutil.rmtree(cls.sockets, ignore_errors=True)

    def curl(self, path, *words):
        done = run("curl", "-sS", "--unix-socket", self.http_door, f"http://localhost{path}", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def healthy(self, door):
        return run("curl", "-sS", "--unix-socket", door, "http://localhost/healthz").returncode == 0

    def router(self, *flags):
        """One more router of this cluster, and where it logs."""
        handle, log = tempfile.mkstemp(prefix="hf-router-")
        os.close(handle)
        self.addCleanup(os.remove, log)
        process = processes.start(
            [os.path.join(release_folder(), "holdfast-router"), "--coordinator", self.cluster.coordinator, *flags], log)
        self.addCleanup(processes.stop, process)
        return process

    def answers(self, door):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(door)
            connection.sendall(b"PING\r\n")
            return connection.recv(16) == b"+PONG\r\n"

    # What clients do.

    def test_curl_and_redis_cli(self):
        event = self.new_event()
        held = json.loads(self.curl("/v1/reserve", "-H", "Content-Type: application/json", "-d", json.dumps(
            {"event": event, "buyer": "ann", "seats": ["Stalls-A-1"]})))
        self.assertEqual(held["seats"], ["Stalls-A-1"])
        done = run("redis-cli", "-s", self.resp_door, "HOLD", event, "bob", 60, "Stalls-A-1")
        self.assertEqual(done.stdout.strip(), "TAKEN Stalls-A-1")
        self.assertIn("unixsocket:" + self.resp_door, run("redis-cli", "-s", self.resp_door, "INFO", "server").stdout)
        listed = run("redis-cli", "-s", self.resp_door, "CLIENT", "INFO").stdout
        self.assertIn(f"addr={self.resp_door}:0", listed)
        # The ports are doors as before, to the same seats.
        self.assertEqual(run("redis-cli", "-p", self.cluster.tcp, "SEAT", event, "Stalls-A-1").stdout.strip(), "held")

    def test_redis_benchmark(self):
        event = self.new_event(areas=[{"name": "Floor", "capacity": 100_000, "price": 1}])
        done = run("redis-benchmark", "-s", self.resp_door, "-c", 16, "-P", 16, "-n", 20_000, "-q", "HOLD.AREA", event, "b1",
                   600, "Floor", 1)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.cluster.held(event), 20_000)

    def test_nginx_in_front(self):
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        self.assertIsNotNone(nginx, "nginx is missing: cluster/test installs it")
        event = self.new_event()
        (port,) = processes.free_ports(1)
        with tempfile.TemporaryDirectory() as folder:
            configuration = os.path.join(folder, "nginx.conf")
            with open(configuration, "w") as file:
                file.write(NGINX.format(
                    folder=folder, port=port, door=self.http_door, user="user root;" if os.getuid() == 0 else ""))
            process = processes.start([nginx, "-c", configuration, "-p", folder], os.path.join(folder, "nginx.log"))
            try:
                processes.wait_until("nginx", lambda: processes.port_open(port), 20, process)
                for seat in range(1, 21):
                    done = run("curl", "-sS", f"http://127.0.0.1:{port}/v1/reserve", "-H", "Content-Type: application/json",
                               "-d", json.dumps({"event": event, "buyer": "b", "seats": [f"Stalls-B-{seat}"]}))
                    self.assertIn('"hold":"h_', done.stdout, done.stderr)
            finally:
                processes.stop(process)
        self.assertEqual(self.cluster.held(event), 20)

    def test_the_command_line(self):
        event = self.new_event()
        self.assertIn(event, self.admin("event", "list", "--http", "unix:" + self.http_door).stdout)
        done = self.admin("event", "list", "--http", "unix:/nowhere/x.sock", check=False)
        self.assertEqual((done.returncode, "No such file" in done.stderr), (3, True), done.stderr)
        # A router without ports registers and is asked like others.
        http, resp = (os.path.join(self.sockets, name) for name in ("only-http.sock", "only-resp.sock"))
        process = self.router("--http", "unix:" + http, "--tcp", "unix:" + resp)

        def routers():
            return {each["http"]: each for each in json.loads(self.admin("status", "--json").stdout)["routers"]}
        processes.wait_until("it registers", lambda: "unix:" + http in routers(), 30, process)
        found = routers()
        self.assertGreater(found["unix:" + http].pop("seen_at"), 0)
        self.assertEqual(
            found["unix:" + http],
            {"http": "unix:" + http, "tcp": "unix:" + resp, "host": socket.gethostname(), "pid": process.pid, "state": "up",
             "tls": False})
        first = found[f"127.0.0.1:{self.cluster.http}"]
        self.assertEqual(first["more_http"], ["unix:" + self.http_door])
        self.assertIn("unix:" + self.resp_door, self.admin("status").stdout)
        processes.stop(process)
        self.assertEqual(process.returncode, 0)
        self.assertNotIn("unix:" + http, routers())
        self.assertFalse(os.path.exists(http) or os.path.exists(resp))

    # What becomes of the file.

    def test_a_killed_routers_file_is_replaced(self):
        door = os.path.join(self.sockets, "killed.sock")
        flags = ("--http", "127.0.0.1:0", "--tcp", "unix:" + door)
        first = self.router(*flags)
        processes.wait_until("the first serves", lambda: self.answers(door), 30, first)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        self.assertTrue(is_socket(door), "a killed process removes nothing")
        second = self.router(*flags)
        processes.wait_until("the second serves", lambda: self.answers(door), 30, second)
        # While it lives, no other gets the name, and it is told who has it.
        third = self.router(*flags)
        self.assertEqual(third.wait(30), 1)
        self.assertIn(f"process {second.pid} listens at unix:{door}", processes.tail(third.log))
        self.assertTrue(self.answers(door))
        processes.stop(second)
        self.assertFalse(os.path.exists(door))

    def test_what_is_no_socket_stays(self):
        path = os.path.join(self.sockets, "notes.txt")
        with open(path, "w") as file:
            file.write("precious")
        self.addCleanup(os.remove, path)
        # The door that could be had is given back with the one that could not.
        other = os.path.join(self.sockets, "other.sock")
        process = self.router("--http", "unix:" + other, "--tcp", "unix:" + path)
        self.assertEqual(process.wait(30), 1)
        self.assertIn(f"unix:{path}: a file that is no socket has this name", processes.tail(process.log))
        with open(path) as file:
            self.assertEqual(file.read(), "precious")
        self.assertFalse(os.path.exists(other))

    def test_a_router_that_never_served_leaves_nothing(self):
        door = os.path.join(self.sockets, "early.sock")
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "log")
            # No cluster is born there: it waits for one.
            process = processes.start(
                [os.path.join(release_folder(), "holdfast-router"), "--coordinator", "file:" + folder, "--http",
                 "unix:" + door, "--tcp", "127.0.0.1:0"], log)
            processes.wait_until("it waits", lambda: "waiting for the cluster" in processes.tail(log), 30, process)
            self.assertTrue(is_socket(door))
            processes.stop(process)
            self.assertEqual(process.returncode, 0)
        self.assertFalse(os.path.exists(door))

    def test_permissions(self):
        for mode, others in (("0660", False), ("0666", True)):
            door = os.path.join(self.sockets, f"mode{mode}.sock")
            os.chmod(self.sockets, 0o755)
            process = self.router("--http", "unix:" + door, "--tcp", "127.0.0.1:0", "--unix-mode", mode)
            processes.wait_until("it serves", lambda: self.healthy(door), 30, process)
            self.assertEqual(stat.S_IMODE(os.lstat(door).st_mode), int(mode, 8))
            if os.getuid() == 0:
                done = run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "curl", "-sS", "--unix-socket",
                           door, "http://localhost/healthz")
                self.assertEqual(done.returncode == 0, others, done.stderr)
            processes.stop(process)

    def test_wrong_flags_are_named(self):
        long = "/tmp/" + "x" * 103
        for flags, message in (
                (["--http", "unix:" + long], f"--http: the path of a UNIX socket has at most 107 bytes, and {long} has 108"),
                (["--tcp", "unix:"], '--tcp: "unix:" names no file'),
                (["--tcp", "/tmp/x.sock"], '--tcp: "/tmp/x.sock" is no address of the form HOST:PORT or unix:PATH'),
                (["--unix-mode", "0888"], '--unix-mode: "0888" is no mode such as 0660'),
                (["--unix-mode", "0000"], '--unix-mode: "0000" is no mode such as 0660')):
            process = self.router(*flags)
            self.assertEqual(process.wait(30), 2, flags)
            self.assertIn(message, processes.tail(process.log))

    def test_who_comes_over_the_limit_is_told(self):
        """Connections through a file take the same places as others; there is no limit for each client."""
        door = os.path.join(self.sockets, "few.sock")
        log = os.path.join(self.sockets, "few.log")
        process = processes.start(
            ["prlimit", "--nofile=300:300", os.path.join(release_folder(), "holdfast-router"), "--coordinator",
             self.cluster.coordinator, "--http", "127.0.0.1:0", "--tcp", "unix:" + door], log)
        open_now = []
        try:
            processes.wait_until("it serves", lambda: self.answers(door), 30, process)

            def greeting(connection):
                connection.sendall(b"PING\r\n")
                return connection.recv(64)
            # 128 of 300 descriptors are kept for other things.
            for _ in range(180):
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(10)
                connection.connect(door)
                open_now.append(connection)
            self.assertEqual({greeting(each) for each in open_now[:100]}, {b"+PONG\r\n"})
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(10)
                connection.connect(door)
                self.assertEqual(connection.recv(64), b"-ERR max number of clients reached\r\n")
        finally:
            for each in open_now:
                each.close()
            processes.stop(process)
            os.remove(log)


class Up(unittest.TestCase):
    def test_a_cluster_without_ports_for_clients(self):
        folder = tempfile.mkdtemp(prefix="hf-", dir="/tmp")
        http, resp = os.path.join(folder, "http.sock"), os.path.join(folder, "resp.sock")
        nodes = ",".join(f"127.0.0.1:{port}" for port in processes.free_ports(2))

        def holdfast(*words):
            return run(os.path.join(release_folder(), "holdfast"), *words, "--data", os.path.join(folder, "var"))
        try:
            done = holdfast("up", "--nodes", nodes, "--http", "unix:" + http, "--tcp", "unix:" + resp, "--unix-mode", "0600",
                            "--demo", "none", "--shards", 4)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn(f"curl --unix-socket {http} http://localhost/v1/events", done.stdout)
            self.assertIn(f"redis-cli -s {resp}", done.stdout)
            self.assertEqual(stat.S_IMODE(os.lstat(resp).st_mode), 0o600)
            again = holdfast("up")
            self.assertEqual((again.returncode, again.stdout.startswith("Already running.")), (0, True), again.stderr)
            self.assertEqual(holdfast("event", "create", "e", "--name", "E", "--area", "Floor=5:100").returncode, 0)
            self.assertIn("Floor", run("curl", "-sS", "--unix-socket", http, "http://localhost/v1/events/e").stdout)
            refused = holdfast("up", "--tcp", "unix:" + resp + "2")
            self.assertEqual(refused.returncode, 1)
            self.assertIn(f"router runs with unix:{resp}", refused.stderr)
        finally:
            self.assertEqual(holdfast("down").returncode, 0)
        self.assertFalse(os.path.exists(http) or os.path.exists(resp))
        shutil.rmtree(folder)


if __name__ == "__main__":
    unittest.main()
