"""The router's description (/openapi.json) in the hands of strangers' tools: a validator, a tester that walks along its
links, a generator of clients."""

import os
import re
import subprocess
import urllib.request

from . import pypi

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tool_scripts")


def run(*command, timeout=600, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout,
                          **options)


def validate(url, folder):
    """Problems of the document as OpenAPI 3.1."""
    path = os.path.join(folder, "openapi.json")
    with urllib.request.urlopen(url, timeout=30) as answer, open(path, "wb") as file:
        file.write(answer.read())
    done = run(os.path.join(pypi.schemathesis(), "openapi-spec-validator"), path)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


def walk(url, folder, examples, seed=1):
    """Every check of schemathesis: examples, values at limits, random ones, and walks along the links. What its
    configuration turns off is explained there. Returns its findings."""
    report = os.path.join(folder, "schemathesis.txt")
    done = run(os.path.join(pypi.schemathesis(), "schemathesis"), "--config-file", os.path.join(SCRIPTS, "schemathesis.toml"),
               "run", url, "--phases", "examples,coverage,fuzzing,stateful", "--checks", "all", "--max-examples", examples,
               "--seed", seed, "--no-color", "--generation-database", "none", timeout=3600, cwd=folder,
               env={**os.environ, "PYTHONPATH": SCRIPTS, "SCHEMATHESIS_HOOKS": "schemathesis_hooks"})
    text = done.stdout + done.stderr
    with open(report, "w") as file:
        file.write(text)
    if done.returncode:
        return [text[-6000:]]
    # A run that walked nowhere, or skipped a phase, finds nothing either.
    walked = re.search(r"API Links: +(\d+) covered", text)
    phases = [phase for phase in ("Examples", "Coverage", "Fuzzing", "Stateful") if f"✅ {phase}" not in text]
    return [] if walked and int(walked.group(1)) > 5 and not phases else [f"phases missing: {phases}\n{text[-6000:]}"]


def generate_client(url, folder):
    """The folder of a generated package; the generator's warnings are problems."""
    package = os.path.join(folder, "client")
    done = run(os.path.join(pypi.client_generator(), "openapi-python-client"), "generate", "--url", url, "--output-path", package,
               "--meta", "none", "--overwrite", "--fail-on-warning", env={**os.environ, "PATH": pypi.client_generator() + ":" + os.environ["PATH"]})
    if done.returncode:
        raise SystemExit(f"openapi-python-client: {done.stdout}{done.stderr}")
    return package


def client_python():
    return os.path.join(pypi.client_generator(), "python")


def buy_with_client(url, base, folder):
    """Problems of a generated client that buys a seat."""
    done = run(client_python(), os.path.join(SCRIPTS, "generated_client.py"), generate_client(url, folder), base)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]
