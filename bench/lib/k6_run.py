"""What happens around a k6 scenario: the cluster is struck in the middle, and what buyers were told is held against
what the event has."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request

from . import processes


def cli(cluster, *words):
    done = subprocess.run([os.path.join(cluster.binaries, "holdfast"), *words, "--coordinator", cluster.coordinator],
                          capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"holdfast {' '.join(words)}: {done.stderr}{done.stdout}")
    return done.stdout


def status(cluster):
    return json.loads(cli(cluster, "status", "--json"))


def in_sync(cluster):
    try:
        return all(shard["primary"] and shard["follower"] for shard in status(cluster)["shards"])
    except RuntimeError:
        return False


def kill(cluster, name):
    process = cluster.processes[name]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


class Strike(threading.Thread):
    """What happens to the cluster in the middle of a run."""

    def __init__(self, cluster, event, seconds, is_fault):
        super().__init__(daemon=True)
        self.cluster, self.event, self.seconds, self.is_fault, self.error = cluster, event, seconds, is_fault, None

    def run(self):
        try:
            # The load has begun when its event is there.
            processes.wait_until("k6 makes its event", lambda: self.cluster.get("/v1/events/" + self.event)[0] == 200, 60)
            time.sleep(self.seconds * 0.4)
            if self.is_fault:
                names = self.cluster.names
            else:
                shard = int(cli(self.cluster, "event", "shard", self.event).split()[-1])
                names = [next(each["primary"] for each in status(self.cluster)["shards"] if each["shard"] == shard)]
            for name in names:
                kill(self.cluster, name)
            say(f"killed {' and '.join(names)}")
            time.sleep(max(2, self.seconds * 0.3))
            for name in names:
                self.cluster.start_node(name)
            say(f"started {' and '.join(names)} again")
        except (Exception, SystemExit) as error:  # told by the one who joins this thread
            self.error = error


def say(text):
    print(f"bench/k6/run: {text}", file=sys.stderr, flush=True)


def resident(process):
    with open(f"/proc/{process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def judge(address, event, metrics):
    """(what is wrong, the event's counts)."""
    with urllib.request.urlopen(f"http://{address}/v1/events/{event}/availability?read=strong", timeout=30) as answer:
        counts = json.load(answer)
    told = {name: int(metrics.get(name, {}).get("count", 0)) for name in ("seats_held", "seats_sold")}
    return problems(told, counts), counts


def problems(told, counts):
    """What k6's buyers were told against what the event has: sentences. A seat that two were told is theirs is one too
    few in the event."""
    found = []
    if told["seats_sold"] != counts["sold"]:
        found.append(f"k6's buyers own {told['seats_sold']} seats, and the event has {counts['sold']} sold")
    if counts["held"] + counts["sold"] > told["seats_held"]:
        found.append(f"the event has {counts['held']} held and {counts['sold']} sold, of {told['seats_held']} that k6's buyers got")
    return found
