"""Every Redis client and tool works at the TCP door, unchanged."""

import subprocess
import unittest

import redis

from common import ClusterCase


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
