"""The control: what the same buyers and the same judge say of Redis with one replica, three Sentinels and WAIT 1."""

import os
import signal
import time

from . import processes
from .checker import Recorder, judge
from .resp import Resp, RespError

LUA = ("local now = redis.call('GET', KEYS[1]) "
       "if now == ARGV[1] then return 'OK' end "
       "if now then return redis.error_reply('TAKEN') end "
       "redis.call('SET', KEYS[1], ARGV[1], 'EX', 3600) return 'OK'")


class Sentinels:
    def __init__(self, folder):
        self.folder = folder
        self.ports = processes.free_ports(2)
        self.sentinel_ports = processes.free_ports(3)
        self.processes = {}

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        for number, port in enumerate(self.ports):
            home = os.path.join(self.folder, f"redis{number}")
            os.makedirs(home)
            self.processes[port] = processes.start(
                ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", home, "--appendonly", "yes",
                 "--appendfsync", "always", "--save", "", "--repl-diskless-sync-delay", "0"]
                + (["--replicaof", "127.0.0.1", str(self.ports[0])] if number else []), home + ".log")
            processes.wait_until("redis", lambda: processes.port_open(port), 20, self.processes[port])
        client = Resp(self.ports[0])
        processes.wait_until("the replica is in sync", lambda: "state=online" in client.call("INFO", "replication"))
        client.call("SCRIPT", "LOAD", LUA)
        client.close()
        for port in self.sentinel_ports:
            path = os.path.join(self.folder, f"sentinel{port}.conf")
            with open(path, "w") as file:
                file.write(f"port {port}\nbind 127.0.0.1\ndir {self.folder}\n"
                           f"sentinel monitor seats 127.0.0.1 {self.ports[0]} 2\n"
                           "sentinel down-after-milliseconds seats 1000\nsentinel failover-timeout seats 10000\n")
            process = processes.start(["redis-server", path, "--sentinel"], path + ".log")
            processes.wait_until("sentinel", lambda: processes.port_open(port), 20, process)
            self.processes[port] = process
        processes.wait_until("the sentinels know each other", lambda: all(self.others(port) for port in self.sentinel_ports))
        return self

    def others(self, port):
        client = Resp(port)
        master = client.map("SENTINEL", "MASTER", "seats")
        client.close()
        return master["num-other-sentinels"] == "2" and master["num-slaves"] == "1"

    def primary(self):
        for port in self.sentinel_ports:
            try:
                client = Resp(port, timeout=2)
                address = client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "seats")
                client.close()
                return int(address[1])
            except (OSError, ConnectionError, RespError):
                continue
        return self.ports[0]

    def stop(self):
        for process in self.processes.values():
            processes.stop(process)


class RedisRecorder(Recorder):
    """The same buyers. `strict`: without the replica's word (WAIT says 0) a yes counts as unknown; else the script's OK is a yes."""

    def __init__(self, sentinels, seats, clients, seed, strict):
        super().__init__([0], "sale", seats, clients=clients, seed=seed, release_share=0, think=0.004)
        self.sentinels, self.strict = sentinels, strict

    def _call(self, connection, operation, words):
        give_up = time.monotonic() + self.retry_for
        while time.monotonic() < give_up and not self.stopping.is_set():
            try:
                if connection is None:
                    connection = Resp(self.sentinels.primary(), timeout=20)
                connection.send("EVAL", LUA, 1, f"seat:{operation.seat}", operation.who)
                connection.send("WAIT", 1, 1000)
                try:
                    connection.read()
                except RespError:
                    connection.read()
                    raise
                copies = connection.read()
                if copies >= 1 or not self.strict:
                    self._end(operation, "ok", [operation.who])
                return connection
            except RespError as error:
                if "TAKEN" in str(error):
                    self._end(operation, "taken", None)
                    return connection
                connection.close()
                connection = None
                time.sleep(0.05)
            except (OSError, ConnectionError):
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.05)
        return connection


def carry_out(fault, folder, clients=64, seed=1, strict=False, seats=2000):
    """Few enough seats for the buyers to meet. Half as many buyers again come once the Sentinels have named another primary: those
    that were there before may hang on the old one."""
    sentinels = Sentinels(folder).start()
    try:
        recorder = RedisRecorder(sentinels, seats, clients, seed, strict).start()
        processes.wait_until("300 holds", lambda: recorder.yeses() >= 300)
        victim = sentinels.primary()
        process = sentinels.processes[victim]
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGKILL if fault == "kill" else signal.SIGSTOP)
        processes.wait_until("another primary is named", lambda: sentinels.primary() != victim, 30)
        recorder.join(clients // 2)
        if fault == "stop":
            time.sleep(max(0, 5 - (time.monotonic() - began)))
            os.killpg(process.pid, signal.SIGCONT)
        target = recorder.yeses() + 200
        try:
            processes.wait_until("200 more holds", lambda: recorder.yeses() >= target, 10)
        except SystemExit:
            # With WAIT's word demanded nothing is sold until the dead one is back: the longest gap says so.
            pass
        gap = recorder.longest_gap(began, time.monotonic())
        recorder.stop()
        client = Resp(sentinels.primary())

        held = {}

        def find(who):
            for seat in seats_of.get(who, ()):
                if held.setdefault(seat, client.call("GET", f"seat:{seat}")) == who:
                    return who, {seat}
            return None, set()

        seats_of = {}
        for operation in recorder.operations:
            seats_of.setdefault(operation.who, []).append(operation.seat)
        problems, counts = judge(recorder, lambda holds: [find(hold) for hold in holds])
        return {**counts, "gap_ms": round(gap * 1000), "problems": problems}
    finally:
        sentinels.stop()
