"""Rows of the fault matrix: one name and two processes, directories and coordinators of yesterday, and an end that nobody reads of."""

import os
import shutil
import signal
import subprocess
import time

from . import processes
from .fault_run import Etcd, Run, plain, row
from .faults_disks import tracing


def twin(run, name, place):
    """A second process of this name at another address, over another directory."""
    port, = processes.free_ports(1)
    arguments = run.cluster.node_arguments(name, data=os.path.join(run.folder, place), port=port)
    return port, processes.start(arguments, os.path.join(run.folder, f"{name}-twin.log"))


def copy(run, name, place):
    target = os.path.join(run.folder, place)
    shutil.rmtree(target, True)
    subprocess.run(["cp", "-r", run.cluster.folder_of(name), target], check=True)
    return place


def see_end(run, process, what):
    """It ends by itself, with status 1."""
    try:
        processes.wait_until(f"{what} ends", lambda: process.poll() is not None, 15)
    except SystemExit as error:
        run.problems.append(str(error))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return
    if process.returncode != 1:
        run.problems.append(f"{what} ended with status {process.returncode}")


@row("a twin of the live primary is started from a copy of its directory")
def live_twin(folder, **options):
    run = plain(folder, **options)
    yield run
    for turn in range(run.times):
        name = run.primary()
        place = copy(run, name, f"copy{turn}")

        def strike():
            _, process = twin(run, name, place)
            see_end(run, process, "the twin of the live primary")
        run.gap_of(strike)


@row("the primary stands still, a twin of it is started, it wakes up")
def frozen_twin(folder, **options):
    """The twin's directory is the next one's: from then on it is the node of this name."""
    run = plain(folder, **options)
    yield run
    for turn in range(run.times):
        name = run.primary()
        old = run.process(name)

        def strike():
            os.killpg(old.pid, signal.SIGSTOP)
            place = copy(run, name, f"copy{turn}")
            run.cluster.node_ports[name], run.cluster.processes[name] = twin(run, name, place)
            run.cluster.directories[name] = place
        try:
            run.gap_of(strike)
            run.recorder.join(run.clients // 2)  # they know nothing of the one that stands still
            run.wait_in_sync()
        finally:
            os.killpg(old.pid, signal.SIGCONT)
        see_end(run, old, "the node that stood still")
        run.more_yeses(150)
        run.wait_in_sync()


@row("the primary's directory is replaced by yesterday's")
def directory_of_yesterday(folder, **options):
    """Both nodes end at once; the one that sold starts first, and has forgotten."""
    run = plain(folder, **options)
    yield run
    for turn in range(run.times):
        name = run.primary()
        yesterday = copy(run, name, f"yesterday{turn}")
        run.more_yeses(150)
        run.make_primary(name)

        def strike():
            for each in run.cluster.names:
                run.kill(each)
            home = run.cluster.folder_of(name)
            shutil.rmtree(home)
            os.rename(os.path.join(run.folder, yesterday), home)
            run.start(name)
            time.sleep(1)
            run.start(run.other(name))
        run.gap_of(strike)
        run.wait_in_sync()


class Data:
    """The coordinator's data: saved, put back, lost."""

    def __init__(self, run):
        self.run = run
        self.home = os.path.join(run.folder, "etcd" if run.etcd else "map")
        self.saved = os.path.join(run.folder, "saved")

    def tool(self, *words):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={**os.environ, "ETCDCTL_API": "3"})

    def save(self):
        if self.run.etcd:
            self.tool("etcdctl", "--endpoints", f"http://127.0.0.1:{self.run.etcd.port}", "snapshot", "save", self.saved)
        else:
            shutil.rmtree(self.saved, True)
            shutil.copytree(self.home, self.saved)

    def lose(self):
        """In a directory's place there is nothing, in an etcd's an empty one."""
        if self.run.etcd:
            self.run.kill("etcd")
        shutil.rmtree(self.home)
        if self.run.etcd:
            self.run.start("etcd")

    def put_back(self):
        if not self.run.etcd:
            shutil.rmtree(self.home)
            shutil.copytree(self.saved, self.home)
            return
        self.run.kill("etcd")
        shutil.rmtree(self.home)
        peer = f"http://127.0.0.1:{self.run.etcd.peer_port}"
        self.tool("etcdutl" if shutil.which("etcdutl") else "etcdctl", "snapshot", "restore", self.saved, "--data-dir", self.home,
                  "--name", "default", "--initial-cluster", f"default={peer}", "--initial-advertise-peer-urls", peer)
        self.run.start("etcd")


def coordinator(name, etcd, lose):
    """Its data are lost, or of yesterday again; then the primary is killed, and somebody must take over."""
    def run_row(folder, **options):
        run = Run(folder, etcd=Etcd(folder) if etcd else None, **options).begin()
        yield run
        data = Data(run)
        for _ in range(run.times):
            data.save()
            for node in run.cluster.names:
                run.make_primary(node)
            run.gap_of(data.lose if lose else data.put_back)
            run.more_yeses(300)
            run.wait_in_sync()
            victim = run.primary()
            run.gap_of(lambda: run.kill(victim))
            run.start(victim)
            run.wait_in_sync()
    row(name, needs=["etcd", "etcdctl"] if etcd else [])(run_row)


coordinator("the coordinator's directory is deleted, then kill -9 of the primary", etcd=False, lose=True)
coordinator("etcd loses its data, then kill -9 of the primary", etcd=True, lose=True)
coordinator("the coordinator's directory is replaced by yesterday's, then kill -9 of the primary", etcd=False, lose=False)
coordinator("etcd is restored from yesterday's snapshot, then kill -9 of the primary", etcd=True, lose=False)


class Unread:
    """A pipe that is full and that nobody reads."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.writer, False)
        try:
            while os.write(self.writer, b"\n" * 4096):
                pass
        except BlockingIOError:
            pass
        # Blocking again for whoever inherits it: the flag belongs to the pipe's end, not to the process.
        os.set_blocking(self.writer, True)

    def close(self):
        os.close(self.reader)
        os.close(self.writer)


def unread(name, strike_with):
    """The primary's log and stderr go to a pipe that is full: whatever it has to say, it must end, and somebody must take over."""
    def run_row(folder, **options):
        run = plain(folder, **options)
        yield run
        for _ in range(run.times):
            victim = run.primary()
            run.kill(victim, signal.SIGTERM)
            pipe = Unread()
            try:
                process = start_unread(run, victim, pipe, strike_with)
                run.wait_in_sync()
                if strike_with == "SIGTERM":
                    run.make_primary(victim)

                def strike():
                    if strike_with == "SIGTERM":
                        os.kill(process.pid, signal.SIGTERM)
                    else:
                        run.cli("failover", "--node", run.other(victim))
                    try:
                        processes.wait_until("the node ends although nobody reads its log", lambda: process.poll() is not None, 15)
                    except SystemExit as error:
                        run.problems.append(str(error))
                        os.killpg(process.pid, signal.SIGKILL)
                        process.wait()
                run.gap_of(strike)
            finally:
                pipe.close()
            run.start(victim)
            run.wait_in_sync()
    row(name, needs=[] if strike_with == "SIGTERM" else ["strace"])(run_row)


def start_unread(run, name, pipe, strike_with):
    wrap = [] if strike_with == "SIGTERM" else tracing("fdatasync", f"error=EIO:when={run.chance.randint(60, 200)}")
    arguments = run.cluster.node_arguments(name, wrap)
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=pipe.writer, stderr=pipe.writer, start_new_session=True)
    process.log = os.devnull
    processes.adopt(process)
    run.cluster.processes[name] = process
    return process


unread("SIGTERM to the primary whose log nobody reads", "SIGTERM")
unread("fdatasync fails (EIO) of a node whose log nobody reads", "EIO")
