"""Every Redis client and tool works at the TCP door, unchanged."""

import fcntl
import os
import pty
import select
import socket
import struct
import subprocess
import termios
import time
import unittest
import urllib.request

import redis

from common import ClusterCase, processes
from lib import pypi

PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "redis_client_programs.py")


class RedisClients(ClusterCase):
    def redis_cli(self, *words):
        done = subprocess.run(
            ["redis-cli", "-p", str(self.cluster.tcp), *map(str, words)], capture_output=True, text=True, timeout=20)
        return done.stdout.strip()

    def test_redis_cli(self):
        self.assertEqual(self.redis_cli("PING"), "PONG")
        self.assertEqual(self.redis_cli("EVENT.CREATE", "cli", "Stalls", 2, 10, 4500), "OK")
        self.assertTrue(self.redis_cli("EVENT.CREATE", "cli", "Stalls", 2, 10, 4500).startswith("EXISTS"))
        lines = self.redis_cli("HOLD", "cli", "ann", 60, "Stalls-A-1", "Stalls-A-2").splitlines()
        self.assertEqual(len(lines), 4)
        self.assertTrue(lines[0].startswith("h_"))
        self.assertEqual(lines[2], "9000")
        self.assertEqual(
            self.redis_cli("HOLD", "cli", "bob", 60, "Stalls-A-3", "Stalls-A-2"), "TAKEN Stalls-A-2")
        self.assertEqual(self.redis_cli("SEAT", "cli", "Stalls-A-1"), "held")
        self.assertEqual(self.redis_cli("SEAT", "cli", "#4"), "free")
        order = self.redis_cli("CHECKOUT", lines[0])
        self.assertTrue(order.startswith("o_"), order)
        self.assertEqual(self.redis_cli("CONFIRM", order), "OK")
        self.assertEqual(self.redis_cli("SEAT", "cli", "Stalls-A-1"), "sold")
        self.assertTrue(self.redis_cli("HOLD", "nosuch", "bob", 60, "A-1").startswith("NOEVENT"))
        self.assertTrue(self.redis_cli("HOLD", "cli", "bob", 60, "Stalls-Z-1").startswith("NOSEAT"))
        self.assertTrue(self.redis_cli("NONSENSE").startswith("ERR"))

    def typed(self, text):
        """What comes back for these bytes, until the door closes."""
        with socket.create_connection(("127.0.0.1", self.cluster.tcp), timeout=20) as connection:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
            return b"".join(parts)

    def test_typed_commands(self):
        self.assertEqual(self.typed(b'ECHO "a\\x41\\n\\"q" \r\n'), b'$5\r\naA\n"q\r\n')
        self.assertEqual(self.typed(b"ECHO 'it\\'s \\n'\n"), b"$7\r\nit's \\n\r\n")
        self.assertEqual(self.typed(b'ECHO pre"fix ed"\n'), b"$9\r\nprefix ed\r\n")
        unbalanced = b"-ERR Protocol error: unbalanced quotes in request\r\n"
        for line in (b'ECHO "a', b"ECHO 'a", b'ECHO "a"b', b'ECHO "a\\"', b'PING "\\x4'):
            self.assertEqual(self.typed(line + b"\r\nPING\r\n"), unbalanced)
        # Quoted ones wait for EXEC as others do.
        self.assertEqual(self.typed(b'MULTI\nECHO "x\\x20y"\nECHO z\nEXEC\n'),
                         b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$3\r\nx y\r\n$1\r\nz\r\n")

    def test_redis_clis_modes(self):
        self.redis_cli("EVENT.CREATE", "modes", "S", 1, 100, 1)
        done = subprocess.run(["redis-cli", "-p", str(self.cluster.tcp), "--pipe"], capture_output=True, text=True, timeout=30,
                              input="".join(f'HOLD modes "b {seat}" 60 #{seat}\r\n' for seat in range(100)))
        self.assertIn("errors: 0, replies: 100", done.stdout)
        self.assertEqual(self.redis_cli("SEATS", "modes").splitlines()[-1], "h" * 100)
        # min, max, average, samples.
        self.assertRegex(self.redis_cli("--latency", "--raw"), r"^\d+ \d+ \d+\.\d+ \d+$")
        # What it cannot do, it is told why.
        done = subprocess.run(["redis-cli", "-p", str(self.cluster.tcp), "--bigkeys"], capture_output=True, text=True, timeout=20)
        self.assertIn("holdfast keeps seats, not keys", done.stdout + done.stderr)
        self.assertIn("GET /metrics at the HTTP door counts the commands", self.redis_cli("MONITOR"))
        self.assertEqual(self.redis_cli("CLUSTER", "NODES"), "ERR This instance has cluster support disabled")
        self.assertEqual(self.redis_cli("FOO", "a", "b c"), "ERR unknown command 'FOO', with args beginning with: 'a' 'b c'")
        self.assertEqual(self.redis_cli("ECHO"), "ERR wrong number of arguments for 'echo' command")

    def on_terminal(self, arguments, keys, wanted):
        """What redis-cli shows on a terminal after these keys, up to the wanted text."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm", HOME="/nonexistent")
            os.execvp("redis-cli", ["redis-cli", "-p", str(self.cluster.tcp), *arguments])
        # As wide as the hints need.
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        shown, deadline = b"", time.monotonic() + 20
        try:
            while wanted not in shown and time.monotonic() < deadline:
                if select.select([terminal], [], [], 0.1)[0]:
                    try:
                        shown += os.read(terminal, 65536)
                    except OSError:
                        break
                if keys and b"> " in shown:
                    os.write(terminal, keys[:1])
                    keys = keys[1:]
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            os.close(terminal)
        return shown

    def test_redis_clis_help_and_hints(self):
        help_text = subprocess.run(["redis-cli", "-p", str(self.cluster.tcp)], capture_output=True, text=True, timeout=20,
                                   input="help @holdfast\nhelp hold.best\n").stdout
        for part in ("EVENT.CREATE", "ORDER.INFO", "Make an order of a hold.",
                     "event buyer seconds count [CATEGORY c] [PASS token] [KEY k]"):
            self.assertIn(part, help_text)
        hint = b"event buyer seconds seat [seat ...] [PASS token] [KEY k]"
        self.assertIn(hint, self.on_terminal([], b"hold ", hint))
        # A line of figures each interval, with the requests since the one before.
        shown = self.on_terminal(["--stat", "-i", "0.1"], b"", b"(+1)")
        self.assertIn(b"requests", shown)
        self.assertIn(b"(+1)", shown)

    def test_what_this_router_says_of_itself(self):
        text = self.redis_cli("INFO")
        self.assertIn("\n\n# Clients\n", text.replace("\r", ""))
        self.assertNotIn("# Clients", self.redis_cli("INFO", "server"))
        self.assertEqual(self.redis_cli("INFO", "nonsense"), "")
        client = redis.Redis(port=self.cluster.tcp)
        others = [redis.Redis(port=self.cluster.tcp, client_name=f"c{number}") for number in range(5)]
        before = client.info()
        for other in others:
            other.ping()
        after = client.info()
        self.assertEqual(after["connected_clients"] - before["connected_clients"], 5)
        self.assertEqual(after["total_connections_received"] - before["total_connections_received"], 5)
        # Each of the others: its name and PING; and this INFO.
        self.assertEqual(after["total_commands_processed"] - before["total_commands_processed"], 11)
        # Both loops' connections.
        names = {f"c{number}" for number in range(5)}
        self.assertEqual({each["name"] for each in client.client_list()} & names, names)
        self.assertEqual(client.config_get("timeout"), {"timeout": "0"})
        self.assertEqual(set(client.config_get("max*")), {"maxmemory", "maxclients"})
        for each in (client, *others):
            each.close()

    def test_the_exporter(self):
        (port,) = processes.free_ports(1)
        exporter = processes.start(
            ["prometheus-redis-exporter", "--web.listen-address", f"127.0.0.1:{port}", "--redis.addr",
             f"redis://127.0.0.1:{self.cluster.tcp}"], os.path.join(self.folder, "exporter.log"))
        try:
            processes.wait_until("the exporter", lambda: processes.port_open(port), 20, exporter)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
                lines = answer.read().decode().splitlines()
        finally:
            processes.stop(exporter)
        self.assertIn("redis_up 1", lines)
        figures = dict(line.rsplit(" ", 1) for line in lines if line.startswith("redis_") and "{" not in line)
        for name in ("connected_clients", "commands_processed_total", "connections_received_total", "memory_used_bytes",
                     "cpu_user_seconds_total", "start_time_seconds", "config_maxclients"):
            self.assertGreater(float(figures["redis_" + name]), 0, name)

    def test_clients_from_pypi(self):
        python = pypi.redis_clients()
        for name in ("redis", "valkey", "coredis", "glide"):
            with self.subTest(name):
                event = f"client-{name}"
                status, _, answer = self.cluster.request("POST", "/v1/events", {"id": event, "name": "A test", "sections": [
                    {"name": "Stalls", "rows": 2, "seats_per_row": 10, "price": 4500}]})
                self.assertEqual(status, 201, answer)
                done = subprocess.run([python, PROGRAMS, name, str(self.cluster.tcp), event], capture_output=True, text=True,
                                      timeout=60)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_redis_benchmark(self):
        self.redis_cli("EVENT.CREATE", "bench", "Main", 1000, 1000, 4500)
        done = subprocess.run(
            ["redis-benchmark", "-p", str(self.cluster.tcp), "-c", "16", "-P", "16", "-n", "20000", "-q", "HOLD.BEST",
             "bench", "b1", "600", "1"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        info = self.redis_cli("EVENT.INFO", "bench").splitlines()
        self.assertEqual(info[info.index("held") + 1], "20000")
        done = subprocess.run(
            ["redis-benchmark", "-p", str(self.cluster.tcp), "-t", "ping", "-P", "16", "-n", "20000", "-q"],
            capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_python_client(self):
        client = redis.Redis(host="127.0.0.1", port=self.cluster.tcp, decode_responses=True)
        self.assertTrue(client.ping())
        client.execute_command("EVENT.CREATE", "python", "S", 1, 10, 100)
        with client.pipeline(transaction=False) as pipe:
            for seat in range(10):
                pipe.execute_command("HOLD", "python", f"b{seat}", 60, f"#{seat}")
            holds = pipe.execute()
        self.assertEqual(len({hold[0] for hold in holds}), 10)
        with self.assertRaises(redis.exceptions.ResponseError) as caught:
            client.execute_command("HOLD", "python", "x", 60, "S-A-3")
        self.assertIn("TAKEN S-A-3", str(caught.exception))
        self.assertEqual(client.execute_command("SEATS", "python"), [["S", "A", "h" * 10]])
        self.assertIn(client.execute_command("RELEASE", holds[0][0]), ("OK", True, b"OK"))

    def test_the_third_protocol(self):
        done = subprocess.run(
            ["redis-cli", "-3", "-p", str(self.cluster.tcp)], text=True, capture_output=True, timeout=20,
            input="EVENT.CREATE three S 1 10 100\nHOLD three ann 60 S-A-1\nEVENT.INFO three\nSEATS three\n")
        self.assertIn("OK", done.stdout)
        self.assertIn("h_", done.stdout)
        self.assertIn("h.........", done.stdout)
        client = self.cluster.resp()
        hello = client.map("HELLO", 3)
        self.assertEqual((hello["server"], hello["proto"]), ("holdfast", 3))
        client.close()

    def test_a_long_pipeline(self):
        self.redis_cli("EVENT.CREATE", "long", "Main", 100, 1000, 1)
        client = self.cluster.resp()
        count = 50_000
        out = b"".join(
            b"*5\r\n$4\r\nHOLD\r\n$4\r\nlong\r\n$1\r\nb\r\n$3\r\n600\r\n$%d\r\n#%d\r\n" % (len(str(seat)) + 1, seat)
            for seat in range(count))
        import threading
        sender = threading.Thread(target=client.socket.sendall, args=(out,))
        sender.start()
        holds = [client.read()[0] for _ in range(count)]
        sender.join()
        self.assertEqual(len(set(holds)), count)
        client.close()


if __name__ == "__main__":
    unittest.main()
