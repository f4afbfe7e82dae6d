"""What strangers do at the doors: other protocols, too many connections, transactions, and logs that nobody reads."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import redis

from common import ClusterCase, Holdfast, processes, release_folder


def counter(text, name):
    return int(re.search(rf"^{name} (\d+)$", text, re.M).group(1))


def everything(connection):
    """What the other end says until it closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


class Transactions(ClusterCase):
    def raw(self, *commands):
        """Commands as people type them, in one packet, and the answers until the door closes."""
        with socket.create_connection(("127.0.0.1", self.cluster.tcp), timeout=20) as connection:
            connection.sendall("".join(command + "\r\n" for command in commands).encode())
            connection.shutdown(socket.SHUT_WR)
            return everything(connection).decode()

    def held(self, event):
        return self.cluster.held(event)

    def test_the_python_clients_pipeline(self):
        event = self.new_event(areas=[{"name": "Floor", "capacity": 9, "price": 1}])
        client = redis.Redis(port=self.cluster.tcp, decode_responses=True)
        with client.pipeline(transaction=True) as pipe:
            pipe.execute_command("HOLD", event, "ann", 60, "#10")
            pipe.execute_command("HOLD.AREA", event, "ann", 60, "Floor", 1)
            pipe.execute_command("EVENT.INFO", event)
            hold, area, info = pipe.execute()
        self.assertTrue(hold[0].startswith("h_") and area[0].startswith("h_"))
        self.assertIn("held", info)
        # A refusal stands among the answers, and what follows it has run.
        pipe = client.pipeline(transaction=True)
        pipe.execute_command("HOLD", event, "bob", 60, "#10")
        pipe.execute_command("HOLD", event, "bob", 60, "#11")
        refused, got = pipe.execute(raise_on_error=False)
        self.assertIn("TAKEN", str(refused))
        self.assertTrue(got[0].startswith("h_"))
        # What is no command is found while it is queued, and nothing runs.
        pipe = client.pipeline(transaction=True)
        pipe.execute_command("HOLD", event, "eve", 60, "#12")
        pipe.execute_command("NOSUCH")
        with self.assertRaises(redis.exceptions.RedisError):
            pipe.execute()
        self.assertEqual(client.execute_command("SEAT", event, "#12"), "free")
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "WATCH is not supported"):
            with client.pipeline() as pipe:
                pipe.watch("x")
        client.close()

    def test_what_is_queued_runs_whole_or_not_at_all(self):
        event = self.new_event()
        hold = f"HOLD {event} ann 60 #0"
        discarded = "-EXECABORT Transaction discarded because of previous errors.\r\n"
        refused = [
            (["MULTI", hold, "NOSUCH", "EXEC"], discarded),
            (["MULTI", hold, "EXTEND h", "EXEC"], discarded),
            (["MULTI", hold, f"HOLD {event} ann", "EXEC"], discarded),
            (["MULTI", hold, f"HOLD {event} ann 60 KEY k", "EXEC"], discarded),
            (["MULTI", hold, "RELEASE a b c", "EXEC"], discarded),
            (["MULTI", hold, "DISCARD now", "EXEC"], discarded),
            (["MULTI", hold, "EXEC now"], "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n"),
            (["MULTI", hold, "DISCARD"], "+QUEUED\r\n+OK\r\n"),
            (["MULTI", hold, "RESET", "EXEC"], "+RESET\r\n-ERR EXEC without MULTI\r\n"),
            (["MULTI", hold, "QUIT", "EXEC"], "+QUEUED\r\n+OK\r\n"),
            (["MULTI", hold], "+QUEUED\r\n"),
            (["MULTI", hold, "Host: evil", "EXEC"], "HTTP has a door of its own\r\n"),
            (["WATCH x", "MULTI", hold, "EXEC"], "-EXECABORT Transaction discarded because WATCH was refused.\r\n"),
            (["EXEC"], "-ERR EXEC without MULTI\r\n"), (["DISCARD"], "-ERR DISCARD without MULTI\r\n"),
            (["MULTI", "MULTI", "EXEC"], "+OK\r\n-ERR MULTI calls can not be nested\r\n*0\r\n"),
        ]
        for commands, end in refused:
            answer = self.raw(*commands)
            self.assertTrue(answer.endswith(end), (commands, answer))
        self.assertEqual(self.held(event), 0)
        self.assertEqual(
            self.raw("MULTI", "UNWATCH", "SELECT 9", "PING", "HELLO 3", "CLIENT GETNAME", "EXEC", "PING").count("QUEUED"), 5)
        # An answer has the form that was chosen before it, however late it comes.
        answer = self.raw("MULTI", f"EVENT.INFO {event}", "HELLO 3", f"EVENT.INFO {event}", "EXEC")
        # Of maps, %7 is the greeting's and %9 the event's.
        self.assertEqual([answer.count(head + "\r\n") for head in ("*18", "%7", "%9")], [1, 1, 1], answer)
        self.assertIn("*2\r\n+OK\r\n-ERR DB index", self.raw("MULTI", "UNWATCH", "SELECT 9", "EXEC"))
        # The number of seconds is the event's to judge, when it runs.
        self.assertIn("*1\r\n-LIMIT max_hold_ttl 600\r\n", self.raw("MULTI", f"HOLD {event} ann 601 #0", "EXEC"))

    def test_long_transactions_keep_the_order(self):
        """More commands than may be under way at once, on two events that the router has to ask for first."""
        one, other = self.new_event(), "another"
        self.cluster.create_event(other, rows=1, seats_per_row=1000)
        client = self.cluster.resp()
        client.send("MULTI")
        for seat in range(3000):
            client.send("HOLD", (one, other)[seat % 2], "b", 60, f"#{seat % 1000 // 2}")
        client.send("EXEC")
        client.send("PING")
        self.assertEqual([client.read() for _ in range(3001)], ["OK"] + ["QUEUED"] * 3000)
        self.assertEqual(client.file.readline(), b"*3000\r\n")
        kinds = []
        for _ in range(3000):
            try:
                kinds.append(client.read()[0][:2])
            except Exception as error:
                kinds.append(str(error)[:5])
        # The first thousand name five hundred seats of each event, the others find them taken.
        self.assertEqual(kinds[:1000], ["h_"] * 1000)
        self.assertEqual(kinds[1000:], ["TAKEN"] * 2000)
        self.assertEqual(client.read(), "PONG")
        client.close()

    def test_a_transaction_is_bounded(self):
        event = self.new_event()
        for command, count in (("PING", 16_385), (f"HOLD {event} ann 60 #0 " + "x" * 60_000, 20)):
            answer = self.raw("MULTI", f"HOLD {event} ann 60 #0", *[command] * count, "EXEC", "PING")
            self.assertIn("-ERR the transaction is too large", answer)
            self.assertTrue(answer.endswith("-EXECABORT Transaction discarded because of previous errors.\r\n+PONG\r\n"))
        self.assertEqual(self.held(event), 0)


class OtherProtocols(ClusterCase):
    def test_a_web_page_holds_nothing(self):
        event = self.new_event()
        body = f"HOLD {event} evil 60 Stalls-A-1\r\n"
        form = f'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n{body}\r\n--x--\r\n'
        greetings = [
            f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n{body}",
            f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n{form}",
            f"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n{body}", f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{body}",
            f"\r\n\r\nHost: a\r\n{body}", f"HOLD / HTTP/1.1\r\n{body}", f"EHLO a\r\n{body}", f"SSH-2.0-x\r\n{body}",
            f"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n{body}", f"\x00\x00\x00\x08\n{body}",
            f"PING\r\nPOST / HTTP/1.1\r\n{body}", f"MULTI\r\n{body}Host: a\r\nEXEC\r\n",
        ]
        for text in greetings:
            with socket.create_connection(("127.0.0.1", self.cluster.tcp), timeout=20) as connection:
                connection.sendall(text.encode("latin1"))
                answer = everything(connection)  # closed by the door, not by us
            self.assertIn(b"-ERR Protocol error", answer, text)
        # What has no end of a line is refused all the same.
        with socket.create_connection(("127.0.0.1", self.cluster.tcp), timeout=20) as connection:
            connection.sendall(b"\x16\x03\x01")
            self.assertIn(b"-ERR Protocol error", everything(connection))
        with socket.create_connection(("127.0.0.1", self.cluster.tcp), timeout=20) as connection:
            connection.sendall(b"x" * 70_000)
            self.assertIn(b"too big inline request", everything(connection))
        self.assertEqual(self.cluster.held(event), 0)
        metrics = self.cluster.get("/metrics")[2]
        self.assertGreaterEqual(counter(metrics, "holdfast_router_resp_protocol_errors_total"), len(greetings) + 2)
        with open(os.path.join(self.folder, "router.log")) as log:
            self.assertIn("closed a connection at the RESP door", log.read())


class HoldTimes(ClusterCase):
    def test_nobody_holds_longer_than_the_event_says(self):
        event = self.new_event(areas=[{"name": "Floor", "capacity": 9, "price": 1}])
        self.assertEqual(self.cluster.get(f"/v1/events/{event}")[2]["max_hold_ttl"], 600)
        client = self.cluster.resp()
        for words in (["HOLD", event, "a", 86400, "#0"], ["HOLD", event, "a", 601, "#0", "#1"],
                      ["HOLD.BEST", event, "a", 601, 1], ["HOLD.AREA", event, "a", 601, "Floor", 1]):
            with self.assertRaisesRegex(Exception, "^LIMIT max_hold_ttl 600$"):
                client.call(*words)
        hold = client.call("HOLD", event, "a", 600, "#0")[0]
        with self.assertRaisesRegex(Exception, "^LIMIT max_hold_ttl 600$"):
            client.call("EXTEND", hold, 601)
        self.assertEqual(client.call("EXTEND", hold, 600), "OK")
        client.close()
        status, _, problem = self.cluster.request(
            "POST", "/v1/reserve", {"event": event, "buyer": "a", "seats": ["#5"], "ttl": 601})
        self.assertEqual((status, problem["code"], problem["field"], problem["limit"], problem["limit_name"]),
                         (422, "invalid_ttl", "ttl", 600, "max_hold_ttl"))
        self.assertEqual(self.cluster.held(event), 1)
        self.admin("event", "create", "long", "--section", "S=1x9:1", "--max-hold-ttl", 7200,
                   "--http", f"127.0.0.1:{self.cluster.http}")
        status, _, hold = self.cluster.request(
            "POST", "/v1/reserve", {"event": "long", "buyer": "a", "seats": ["#5"], "ttl": 7200})
        self.assertEqual(status, 200, hold)
        status, _, problem = self.cluster.request("POST", "/v1/events", {
            "name": "x", "hold_ttl": 700, "max_hold_ttl": 699, "areas": [{"name": "F", "capacity": 1, "price": 1}]})
        self.assertEqual((status, problem["field"], problem["limit"]), (422, "max_hold_ttl", 700))


class TooManyConnections(ClusterCase):
    options = {"wrap": {"router": ["prlimit", "--nofile=96:96"], "n1": ["prlimit", "--nofile=160:160"]}}

    def connect(self, port):
        return socket.create_connection(("127.0.0.1", port), timeout=20)

    def crowd(self, port, count):
        """Connections that say nothing."""
        crowd = [self.connect(port) for _ in range(count)]
        for connection in crowd:
            self.addCleanup(connection.close)
        return crowd

    def answers(self):
        try:
            return redis.Redis(port=self.cluster.tcp).ping()
        except redis.exceptions.RedisError:
            return False

    def test_a_full_router_says_so_and_still_answers_operators(self):
        event = self.new_event()
        client = self.cluster.resp()
        self.assertEqual(client.call("PING"), "PONG")
        silent = self.crowd(self.cluster.tcp, 80)
        with self.connect(self.cluster.tcp) as late:
            self.assertEqual(everything(late), b"-ERR max number of clients reached\r\n")
        for _ in range(10):  # more than there are places for guests
            silent += self.crowd(self.cluster.http, 4)
            self.assertEqual(self.cluster.get("/healthz")[0], 200)
        status, headers, problem = self.cluster.request(
            "POST", "/v1/reserve", {"event": event, "buyer": "a", "seats": ["#5"]})
        self.assertEqual((status, problem["code"]), (503, "too_many_connections"))
        self.assertEqual(headers["Retry-After"], "1")
        metrics = self.cluster.get("/metrics")[2]
        self.assertEqual(counter(metrics, "holdfast_router_connections_max"), 48)
        self.assertGreater(counter(metrics, "holdfast_router_connections_over_limit_total"), 30)
        self.assertEqual(counter(metrics, "holdfast_router_descriptor_failures_total"), 0)
        with open(os.path.join(self.folder, "router.log")) as log:
            self.assertIn("a door has no room for a connection", log.read())
        # Links to nodes and the rest of the process have what they need.
        for name in ("n1", "n2"):
            processes.stop(self.cluster.processes[name])
            self.cluster.start_node(name)
            processes.wait_until(
                "every shard has its two replicas again",
                lambda: all(shard["follower"] for shard in self.status()["shards"]), 60)
        seat = 0
        while True:
            try:
                self.assertTrue(client.call("HOLD", event, "a", 60, f"#{seat}")[0].startswith("h_"))
                break
            except Exception as error:
                self.assertRegex(str(error), "^(TRYAGAIN|UNKNOWN)")
                seat += 1
                self.assertLess(seat, 50)
        client.close()
        for connection in silent:
            connection.close()
        processes.wait_until("the door takes clients again", self.answers, 20)

    def status(self):
        done = self.admin("status", "--json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {"shards": [{"follower": None}]}

    def test_without_descriptors_a_door_still_refuses(self):
        kept = http.client.HTTPConnection("127.0.0.1", self.cluster.http, timeout=20)
        kept.request("GET", "/healthz")
        self.assertTrue(kept.getresponse().read().startswith(b'{"status":"ok",'))
        pid = self.cluster.processes["router"].pid

        def limit(count):
            subprocess.run(["prlimit", "--pid", str(pid), f"--nofile={count}:96"], check=True)

        def free():
            """The lowest number without a descriptor, and whether all that are in use are below it."""
            used = {int(number) for number in os.listdir(f"/proc/{pid}/fd")}
            lowest = next(number for number in range(1000) if number not in used)
            return lowest, max(used) < lowest
        fillers = []
        while not free()[1]:
            fillers.append(self.cluster.resp())
            self.assertEqual(fillers[-1].call("PING"), "PONG")
        limit(free()[0])
        try:
            refused = 0
            while refused < 3 and len(fillers) < 90:
                late = self.connect(self.cluster.tcp)
                late.settimeout(2)
                try:
                    self.assertEqual(everything(late), b"-ERR max number of clients reached\r\n")
                except TimeoutError:
                    # It was let in: a descriptor below the limit was in use when the limit was set, and is free now.
                    fillers.append(late)
                    continue
                late.close()
                refused += 1
                self.assertEqual(self.cluster.get("/healthz")[0], 503)
            self.assertEqual(refused, 3)
            kept.request("GET", "/metrics")
            metrics = kept.getresponse().read().decode()
            self.assertGreaterEqual(counter(metrics, "holdfast_router_descriptor_failures_total"), 6)
        finally:
            limit(96)
        for connection in [kept, *fillers]:
            connection.close()
        processes.wait_until("the door takes clients again", self.answers, 20)

    def test_a_crowd_at_a_nodes_port(self):
        event = self.new_event()
        silent = self.crowd(self.cluster.node_ports["n1"], 200)
        self.assertEqual({node["state"] for node in self.full_status()["nodes"]}, {"up"})
        processes.stop(self.cluster.processes["router"])
        self.cluster.start_router()
        self.cluster.wait_ready()
        client = self.cluster.resp()
        self.assertTrue(client.call("HOLD", event, "a", 60, "#0")[0].startswith("h_"))
        client.close()
        for connection in silent:
            connection.close()

    def full_status(self):
        return json.loads(self.admin("status", "--json").stdout)


class Fifo:
    """A pipe that is full and that nobody reads."""

    def __init__(self, path):
        self.path = path
        os.mkfifo(path)
        self.end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.end, b"x")

    def wrap(self, *more):
        return ["sh", "-c", f'exec "$@" >{self.path} 2>{self.path}', "sh", *more]


class UnreadOutput(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="holdfast-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.fifo = Fifo(os.path.join(self.folder, "output"))
        self.addCleanup(os.close, self.fifo.end)

    def cluster(self, **options):
        cluster = Holdfast(os.path.join(self.folder, "cluster"), binaries=release_folder(), **options)
        self.addCleanup(cluster.stop)
        return cluster.start()

    def ends(self, process, *codes):
        self.assertIn(process.wait(12), codes)

    def test_service_goes_on_and_every_process_ends(self):
        wrap = {name: self.fifo.wrap() for name in ("n1", "n2", "router")}
        cluster = self.cluster(wrap=wrap, router_options=["--access-log", "on"])
        cluster.create_event("sale", rows=1, seats_per_row=100)
        client = cluster.resp()
        asked = 40_000  # their lines are more than the queue takes
        with socket.create_connection(("127.0.0.1", cluster.http), timeout=20) as connection:
            for _ in range(asked // 500):
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
                answers = b""
                while answers.count(b'{"status":"ok",') < 500:
                    part = connection.recv(1 << 20)
                    self.assertTrue(part, "the door closed")
                    answers += part
        for seat in range(100):
            self.assertTrue(client.call("HOLD", "sale", "a", 60, f"#{seat}")[0].startswith("h_"))
        client.close()
        self.assertGreater(counter(cluster.get("/metrics")[2], "holdfast_router_log_lines_dropped_total"), 0)
        for name in ("router", "n1", "n2"):
            cluster.processes[name].send_signal(signal.SIGTERM)
            self.ends(cluster.processes[name], 0)

    def test_streams_that_are_closed_write_into_nothing_else(self):
        closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
        cluster = self.cluster(nodes=1, wrap={"n1": closed, "router": closed})
        cluster.create_event("sale", rows=1, seats_per_row=100)
        client = cluster.resp()
        for seat in range(20):
            client.call("HOLD", "sale", "a", 60, f"#{seat}")
        client.close()
        for name in ("n1", "router"):
            for stream in range(3):
                self.assertEqual(os.readlink(f"/proc/{cluster.processes[name].pid}/fd/{stream}"), "/dev/null")
            cluster.processes[name].send_signal(signal.SIGTERM)
            self.ends(cluster.processes[name], 0)

    def test_start_failures_and_usage_errors_end(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for name, arguments, code in (
                ("holdfast-node", ["--name", "n", "--listen", f"127.0.0.1:{port}", "--data", os.path.join(self.folder, "d"),
                                   "--coordinator", f"file:{self.folder}/m"], 1),
                ("holdfast-router", ["--http", f"127.0.0.1:{port}", "--coordinator", f"file:{self.folder}/m"], 1),
                ("holdfast-node", ["--nonsense"], 2), ("holdfast-router", ["--nonsense"], 2), ("holdfast-node", ["--help"], 0),
            ):
                process = processes.start(
                    self.fifo.wrap(os.path.join(release_folder(), name), *arguments), os.path.join(self.folder, "log"))
                self.addCleanup(processes.stop, process)
                self.ends(process, code)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_a_node_whose_disk_fails_ends(self):
        traced = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync",
                  "-e", "inject=fdatasync:error=EIO:when=40+"]
        cluster = self.cluster(nodes=1, wrap={"n1": self.fifo.wrap(*traced)})
        cluster.create_event("sale", rows=1, seats_per_row=1000)
        process = cluster.processes["n1"]
        client = cluster.resp()
        client.socket.settimeout(60)
        for seat in range(1000):
            if process.poll() is not None:
                break
            client.send("HOLD", "sale", "a", 60, f"#{seat}")
            with contextlib.suppress(Exception):
                client.read()
        self.ends(process, 1)
        client.close()

    def test_a_second_signal_ends_at_once(self):
        cluster = self.cluster()
        router = cluster.processes["router"]
        with socket.create_connection(("127.0.0.1", cluster.http)) as connection:
            # Half a request keeps the router for the time that it leaves to those who began.
            connection.sendall(b"POST /v1/checkout HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n")
            cluster.get("/healthz")

            def refused():
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", cluster.tcp)).close()
                    return False
                return True
            router.send_signal(signal.SIGTERM)
            processes.wait_until("the doors are closed", refused, 10)
            self.assertIsNone(router.poll())
            router.send_signal(signal.SIGTERM)
            self.ends(router, 1)


if __name__ == "__main__":
    unittest.main()
