"""Processes, ports and folders of a benchmark: everything it starts, it stops."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

_started = []


def build(*packages):
    """From a fresh clone: installs what is missing, by the names of lists in cluster/lib.sh, and builds for release what is not there
    yet. What is there is taken as it is. HOLDFAST_BINARIES names binaries from elsewhere."""
    script = 'source "$1"; install_missing ' + " ".join(f'"${{{name}[@]}}"' for name in packages) + "; "
    folder = os.environ.get("HOLDFAST_BINARIES", os.path.join(ROOT, ".build", "release"))
    names = ["holdfast-node", "holdfast-router", "holdfast", "holdfast-load"]
    if not all(os.path.exists(os.path.join(folder, name)) for name in names):
        script += 'build_release; cd "$root"; swift build -c release --product holdfast-load >&2'
    done = subprocess.run(["bash", "-c", script, "bench", os.path.join(ROOT, "cluster", "lib.sh")], stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(done.returncode)


def free_ports(count):
    """Ports that were free a moment ago on loopback."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def temporary_folder(prefix, mode=0o755):
    """On the same file system as the checkout's build, so that everyone's syncs hit the same disk."""
    base = os.path.join(ROOT, ".build", "bench")
    os.makedirs(base, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=prefix + "-", dir=base)
    os.chmod(folder, mode)
    atexit.register(shutil.rmtree, folder, True)
    return folder


def start(arguments, log, **options):
    """Starts a process in a session of its own; its output goes to `log`."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            arguments, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True, **options)
    process.log = log
    return adopt(process)


def adopt(process):
    """A process that leads a session of its own: it is stopped with the others."""
    _started.append(process)
    return process


def stop(process, timeout=10):
    """Ends a process and what it started (a tracer's tracee): its whole session."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGCONT)
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process in _started:
        _started.remove(process)


@atexit.register
def stop_everything():
    for process in reversed(list(_started)):
        stop(process)


def wait_until(what, condition, timeout=30, process=None):
    """Waits for a condition, not for a duration."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            found = condition()
            if found:
                return found
        except OSError:
            pass
        if process is not None and process.poll() is not None:
            raise SystemExit(f"{what}: the process ended with {process.returncode}; see {process.log}:\n{tail(process.log)}")
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {timeout} s")
        time.sleep(0.02)


def tail(path, lines=12):
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return ""


def port_open(port, host="127.0.0.1"):
    with socket.create_connection((host, port), timeout=1):
        return True


def settle():
    """What others wrote is on the disk before the next side is measured, so that none pays for another."""
    os.sync()
    time.sleep(0.2)
