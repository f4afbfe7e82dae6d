"""What a recovery drill is made of: a cluster with an event on each shard, buyers at all of them, the steps of docs/operations.md, and
the judge that the fault matrix has. A step that does not end as the page says is a problem of the drill; the drill goes on, so that the
judge tells what became of the seats."""

import json
import os
import shutil
import signal
import subprocess
import time

from . import processes
from .checker import Recorder, find_holds_over, judge
from .fault_run import Etcd, Run
from .resp import Resp, RespError

SEATS = 3000
RETRY_FOR = 5  # seconds a buyer asks again before he gives up
DRILLS = {}


def drill(name, short=False, etcd=False, needs=()):
    """Registers a drill; `short`: it belongs to the selection that cluster/test runs. `etcd`: the map lives in one."""
    def add(function):
        DRILLS[name] = (function, short, etcd, (*(["etcd", "etcdctl"] if etcd else []), *needs))
        return function
    return add


class Drill(Run):
    def __init__(self, folder, binaries=None, seed=1, etcd=False):
        os.makedirs(folder, exist_ok=True)
        super().__init__(folder, binaries=binaries, seed=seed, etcd=Etcd(folder) if etcd else None, loops=1,
                         router_options=["--failover-wait", "1000"])
        self.map = None if etcd else os.path.join(folder, "map")
        self.recorders, self.marks, self.twins, self.unserved = [], {}, 0, 0

    # MARK: The buyers

    def begin(self):
        self.cluster.start()
        self.wait_in_sync()
        events, number = {}, 0
        while len(events) < self.cluster.shards:
            name = f"sale{number}"
            number += 1
            shard = int(self.cli("event", "shard", name).stdout.split()[-1])
            if shard not in events:
                self.cluster.create_event(name, rows=SEATS // 1000, seats_per_row=1000)
                events[shard] = name
        self.recorders = [
            Recorder([self.cluster.tcp], events[shard], SEATS, clients=3, seed=self.seed * 10 + shard, release_share=0.1,
                     retry_for=RETRY_FOR, think=0.04).start() for shard in sorted(events)]
        self.more()

    def more(self, count=30, timeout=30):
        """Every shard sells so many more; a shard that does not is a problem."""
        self.resume()
        targets = [recorder.yeses() + count for recorder in self.recorders]
        return self.see(f"every shard sells ({count} more holds)", lambda: all(
            recorder.yeses() >= target for recorder, target in zip(self.recorders, targets)), timeout)

    def resume(self):
        for recorder in self.recorders:
            recorder.selling.set()

    def quiet(self):
        """The buyers stop, and every call that is under way has ended, or has been given up by its buyer."""
        for recorder in self.recorders:
            recorder.selling.clear()

        def ended():
            given_up = time.monotonic() - RETRY_FOR - 3
            return all(op.returned is not None or op.called < given_up
                       for recorder in self.recorders for op in list(recorder.operations))
        processes.wait_until("the buyers are quiet", ended, 60)

    def acknowledged(self):
        """(shard, hold) of each hold that was acknowledged and never asked to be released."""
        found = []
        for shard, recorder in enumerate(self.recorders):
            with recorder.lock:
                operations = list(recorder.operations)
            released = {op.hold for op in operations if op.kind == "release"}
            found += [(shard, op.hold) for op in operations
                      if op.kind == "hold" and op.result == "ok" and op.hold not in released]
        return found

    def mark(self):
        """A moment at which no call is under way, for `since`."""
        self.quiet()
        return [len(recorder.operations) for recorder in self.recorders]

    def since(self, mark):
        """What may have changed something from then on: what an operator's step gives up, as `finish` takes it."""
        return [op for recorder, first in zip(self.recorders, mark) for op in recorder.operations[first:]
                if op.result in ("ok", "unknown")]

    # MARK: What is seen

    def see(self, what, condition, timeout=30):
        """Waits; what does not come is a problem, and after one nothing is waited for as long. Whether it came."""
        try:
            processes.wait_until(what, condition, min(timeout, 8) if self.problems else timeout)
            return True
        except SystemExit as error:
            return self.wrong(str(error))

    def wrong(self, sentence):
        self.problems.append(sentence)
        return False

    def expect(self, held, sentence):
        return bool(held) or self.wrong(sentence)

    def said(self, name):
        """What the process wrote since its newest start."""
        with open(os.path.join(self.folder, name + ".log"), errors="replace") as file:
            file.seek(self.marks.get(name, 0))
            return file.read()

    def see_line(self, name, *words, timeout=15):
        """A line of the process's log since its newest start has all these words (in any case)."""
        def found():
            return any(all(word.lower() in line.lower() for word in words) for line in self.said(name).splitlines())
        return self.see(f"{name} says \"{' … '.join(words)}\"", found, timeout)

    def see_in_sync(self):
        def in_sync():
            shards = self.status()["shards"]
            return shards and all(shard["primary"] and shard["follower"] for shard in shards)
        if not self.see("every shard has its follower", in_sync, 40):
            self.problems[-1] += "; holdfast status:\n" + self.cli("status").stdout

    def see_wait(self, name, shards=None):
        """The node's copies are suspect and wait: in its log, in `holdfast status`, and towards buyers, who get nothing but "try again"."""
        self.see_line(name, "a suspect replica waits")
        self.see(f"`holdfast status` says that {name} waits", lambda: f"{name} waits" in self.cli("status").stdout, 15)
        self.see_nobody_sells(shards)

    def see_nobody_sells(self, shards=None, seconds=2.0):
        self.see("the router's door is open", lambda: processes.port_open(self.cluster.tcp), 15)
        before = [recorder.yeses() for recorder in self.recorders]
        newest = {shard: hold for shard, hold in self.acknowledged()}
        self.resume()
        time.sleep(seconds)
        for shard, recorder in enumerate(self.recorders):
            if shards is not None and shard not in shards:
                continue
            sold = recorder.yeses() - before[shard]
            self.expect(sold == 0, f"shard {shard}: {sold} holds were sold by a copy that may lack some")
            answer = self.ask(newest[shard])
            self.expect(answer.startswith("TRYAGAIN"), f"shard {shard}: the newest hold is answered with {answer}")

    def ask(self, hold):
        client = Resp(self.cluster.tcp, timeout=10)
        try:
            client.call("HOLD.INFO", hold)
            return "the hold"
        except (RespError, OSError) as error:
            return str(error)
        finally:
            client.close()

    def see_sign(self, name, later_than):
        """The node gave a sign of life since the copy was taken: a directory of the last seconds before that could not be told from it."""
        def presence(folder):
            with open(os.path.join(self.folder_of(folder), "starts")) as file:
                return int(file.read().split()[6])
        known = presence(later_than)
        # One more than the next: that one may have been under way while the copy was made.
        self.see(f"{name} gives a sign of life", lambda: presence(name) > known + 1, 15)

    # MARK: Steps

    def start(self, *names, arguments=()):
        for name in names:
            log = os.path.join(self.folder, name + ".log")
            self.marks[name] = os.path.getsize(log) if os.path.exists(log) else 0
            super().start(name)

    def stop(self, *names):
        """SIGTERM to all of them at once."""
        for name in names:
            os.killpg(self.process(name).pid, signal.SIGTERM)
        for name in names:
            self.see_end(name)

    def down(self):
        """The router, then both nodes at once, as `cluster/down` does: nothing is sold while they end."""
        self.stop("router")
        self.stop(*self.cluster.names)

    def cut_power(self):
        """All of them end in one moment, under load."""
        names = ["router", *self.cluster.names]
        for name in names:
            os.killpg(self.process(name).pid, signal.SIGKILL)
        for name in names:
            self.process(name).wait()

    def see_end(self, name, process=None, status=None, timeout=20):
        """The process ends by itself, with this status."""
        process = process or self.process(name)
        if not self.see(f"{name} ends", lambda: process.poll() is not None, timeout):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False
        return status is None or self.expect(process.returncode == status, f"{name} ended with status {process.returncode}")

    def see_refusal(self, name, *words):
        """The node does not start, with status 1 and a sentence that has these words, in its log and on stderr."""
        if self.see_end(name, status=1):
            text = self.said(name)
            plain = [line for line in text.splitlines() if not line.startswith("{")]
            logged = [line for line in text.splitlines() if line.startswith("{")]
            for where, lines in (("stderr", plain), ("its log", logged)):
                self.expect(any(all(word in line for word in words) for line in lines),
                            f"{name} does not say \"{' … '.join(words)}\" on {where}: {lines[-1:]}")

    def lead(self, name):
        """All shards' primary is this node."""
        for shard in self.status()["shards"]:
            if shard["primary"] != name:
                self.cli("failover", "--shard", shard["shard"])
        self.see(f"{name} is primary of all", lambda: all(
            shard["primary"] == name and shard["follower"] for shard in self.status()["shards"]), 60)

    def folder_of(self, name):
        return os.path.join(self.folder, name)

    def copy(self, source, target):
        subprocess.run(["cp", "-r", self.folder_of(source), self.folder_of(target)], check=True)

    def put_back(self, copy, name, how):
        """`move`: the copy becomes the directory; `copy`: a copy of it does; `over`: its files are written over those that are there."""
        home, copy = self.folder_of(name), self.folder_of(copy)
        if how == "over":
            subprocess.run(["cp", "-r", copy + "/.", home], check=True)
            return
        shutil.rmtree(home)
        if how == "move":
            os.rename(copy, home)
        else:
            subprocess.run(["cp", "-r", copy, home], check=True)

    def empty(self, name):
        shutil.rmtree(self.folder_of(name))

    def see_whole(self, name):
        """`holdfast log verify` finds nothing wrong with a directory that no node uses."""
        done = subprocess.run([os.path.join(self.cluster.binaries, "holdfast"), "log", "verify", self.folder_of(name)],
                              capture_output=True, text=True, timeout=60)
        self.expect(done.returncode == 0, f"holdfast log verify {name} ended with {done.returncode}: {done.stdout}{done.stderr}")

    def recover(self, *names):
        done = self.cli("recover", *[self.folder_of(name) for name in names])
        self.expect(done.returncode == 0, f"holdfast recover ended with {done.returncode}: {done.stdout}{done.stderr}")
        for shard in range(self.cluster.shards):
            self.expect(f"shard {shard}" in done.stdout, f"holdfast recover names nobody for shard {shard}: {done.stdout}")
        return done.stdout

    def accept_loss(self):
        """Goes on with what is there, shard by shard; each says what is given up."""
        for shard in range(self.cluster.shards):
            done = self.cli("failover", "--shard", shard, "--accept-loss")
            self.expect(done.returncode == 0 and "gives up" in done.stdout,
                        f"--accept-loss of shard {shard} ended with {done.returncode}: {done.stdout}{done.stderr}")

    def twin(self, data, name="n1"):
        """A second process of that name, at an address of its own, over a directory of its own. Its name for logs and for `process`."""
        self.twins += 1
        alias = f"{name}-twin{self.twins}"
        port, = processes.free_ports(1)
        arguments = self.cluster.node_arguments(name, data=self.folder_of(data), port=port)
        self.cluster.processes[alias] = processes.start(arguments, os.path.join(self.folder, alias + ".log"))
        return alias

    def freeze(self, name):
        os.killpg(self.process(name).pid, signal.SIGSTOP)

    def thaw(self, name):
        os.killpg(self.process(name).pid, signal.SIGCONT)

    def see_next_failover(self):
        """Each node in turn is killed and comes back: every shard is sold by the other meanwhile."""
        for name in self.cluster.names:
            self.kill(name)
            self.more(10)
            self.start(name)
            self.see_in_sync()

    # MARK: The coordinator's data

    def save_coordinator(self):
        if self.etcd:
            self.etcd_tool("etcdctl", "--endpoints", f"http://127.0.0.1:{self.etcd.port}", "snapshot", "save",
                           self.folder_of("etcd.snapshot"))
        else:
            self.copy("map", "map.yesterday")

    def put_back_coordinator(self):
        """File: the older copy in place of the directory. Etcd: stopped, its data replaced from the snapshot, started."""
        if not self.etcd:
            shutil.rmtree(self.map)
            subprocess.run(["cp", "-r", self.folder_of("map.yesterday"), self.map], check=True)
            return
        if self.etcd.process.poll() is None:
            self.kill("etcd")
        shutil.rmtree(self.folder_of("etcd"))
        peer = f"http://127.0.0.1:{self.etcd.peer_port}"
        self.etcd_tool("etcdutl" if shutil.which("etcdutl") else "etcdctl", "snapshot", "restore", self.folder_of("etcd.snapshot"),
                       "--data-dir", self.folder_of("etcd"), "--name", "default", "--initial-cluster", f"default={peer}",
                       "--initial-advertise-peer-urls", peer)
        self.etcd.start()

    def lose_coordinator(self):
        if not self.etcd:
            shutil.rmtree(self.map)
            return
        if self.etcd.process.poll() is None:
            self.kill("etcd")
        shutil.rmtree(self.folder_of("etcd"))
        self.etcd.start()

    def etcd_tool(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "ETCDCTL_API": "3"}, timeout=30)
        if done.returncode:
            raise SystemExit(f"{words}: {done.stdout}{done.stderr}")

    # MARK: The verdict

    def finish(self, given_up=()):
        """`given_up`: calls that an operator's step gave up; all others must be there."""
        self.more(10)
        self.quiet()
        counts = {"acknowledged": 0, "lost": 0, "doubled": 0, "unknown": 0, "unserved": 0}
        for recorder in self.recorders:
            recorder.stop()
            if given_up:
                recorder.operations = without(recorder.operations, given_up)
            problems, found = judge(recorder, self.find_holds)
            self.problems += problems[:3]
            for key in ("acknowledged", "lost", "doubled", "unknown"):
                counts[key] += found[key]
        counts["lost"] -= self.unserved
        counts["unserved"] = self.unserved
        self.expect(counts["acknowledged"] >= 100, f"only {counts['acknowledged']} holds were acknowledged")
        self.see("the digests agree", self.digests_agree, 30)
        return {**counts, "problems": self.problems}

    def find_holds(self, holds):
        """As the judge wants them; a shard that does not answer has not lost anything: that is another problem."""
        found = find_holds_over(self.cluster.tcp, 1000)(holds)
        self.unserved += sum(1 for buyer, _ in found if buyer.startswith("TRYAGAIN"))
        return found

    def digests_agree(self):
        shards = self.status()["shards"]
        return shards and all(
            len(shard["digests"] or {}) == 3 and len({shard["digests"][name] for name in self.cluster.names}) == 1
            for shard in shards)

    def end(self):
        for recorder in self.recorders:
            recorder.stopping.set()
        super().end()


def without(operations, given_up):
    """The calls but for those about seats whose newest change was given up: the history of such a seat begins anew."""
    given_up = set(map(id, given_up))
    seats = {op.seat for op in operations if id(op) in given_up}
    return [op for op in operations if op.seat not in seats]


def carry_out(name, folder, binaries=None, seed=1):
    """One drill's figures; `problems` is empty when all went as docs/operations.md says and nothing was lost or doubled."""
    function, _, etcd, _ = DRILLS[name]
    run, began = None, time.monotonic()
    counts = {"acknowledged": 0, "lost": 0, "unserved": 0, "doubled": 0, "unknown": 0, "problems": []}
    try:
        run = Drill(folder, binaries=binaries, seed=seed, etcd=etcd)
        run.begin()
        counts = run.finish(function(run) or ())
    except (SystemExit, AssertionError, OSError) as error:
        counts["problems"] = (run.problems if run else []) + [str(error)]
    finally:
        if run is not None:
            run.end()
    return {**counts, "seconds": round(time.monotonic() - began, 1)}


def table_row(name, found):
    verdict = "as described" if not found["problems"] else "WRONG"
    return (f"| {name} | {found['acknowledged']:,} | {found['lost']} | {found['unserved']} | {found['doubled']} | {found['unknown']} | "
            f"{found['seconds']} s | {verdict} |")


TABLE_HEAD = ("| drill | acknowledged | lost | not served at the end | doubled | unknown | took | went |\n"
              "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")


def as_json(results, path):
    with open(path, "w") as file:
        json.dump(results, file, indent=1)
