"""The same client with the same settings for both sides: redis-benchmark, wrk, pgbench."""

import csv
import io
import json
import os
import subprocess

from . import processes


def redis_benchmark(door, words, requests, pipeline, clients=64, keyspace=1_000_000):
    """Requests a second, at a port or a socket's path. redis-benchmark stops at the first error reply, so a figure means that every one
    was a yes."""
    place = ["-s", door] if isinstance(door, str) else ["-h", "127.0.0.1", "-p", str(door)]
    done = subprocess.run(
        ["redis-benchmark", *place, "-c", str(clients), "-P", str(pipeline), "-n", str(requests), "-r", str(keyspace), "--csv"] + [str(word) for word in words],
        capture_output=True, text=True, timeout=300)
    rows = list(csv.reader(io.StringIO(done.stdout)))
    if done.returncode or len(rows) < 2:
        raise SystemExit(f"redis-benchmark {' '.join(map(str, words))}: {done.stderr or done.stdout}")
    return {"rate": float(rows[-1][1]), "p50_ms": float(rows[-1][4]), "p99_ms": float(rows[-1][6])}


RESERVE_LUA = """
local thread = 0
function setup(t) t:set("number", thread) thread = thread + 1 end
function init(args)
  math.randomseed(%(seed)d + number)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  yes, no, other = 0, 0, 0
end
function request()
  return wrk.format(nil, nil, nil, '{"event":"%(event)s","buyer":"b' .. math.random(0, 999999) ..
    '","seats":["#' .. math.random(0, %(seats)d - 1) .. '"]}')
end
function response(status)
  if status == 200 then yes = yes + 1 elseif status == 409 then no = no + 1 else other = other + 1 end
end
local threads = {}
local inner = setup
function setup(t) inner(t) table.insert(threads, t) end
function done(summary, latency, requests)
  local yes, no, other = 0, 0, 0
  for _, t in ipairs(threads) do
    yes = yes + t:get("yes") no = no + t:get("no") other = other + t:get("other")
  end
  io.write(string.format(
    'JSON{"rate":%%f,"p50_ms":%%f,"p99_ms":%%f,"max_ms":%%f,"yes":%%d,"refused":%%d,"other":%%d,"errors":%%d}\\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    latency.max / 1000, yes, no, other,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""

GET_LUA = """
function done(summary, latency, requests)
  io.write(string.format(
    'JSON{"rate":%f,"p50_ms":%f,"p99_ms":%f,"max_ms":%f,"errors":%d}\\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    latency.max / 1000,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.status))
end
"""


def wrk(url, folder, seconds, script=GET_LUA, connections=64, headers=()):
    path = os.path.join(folder, "wrk.lua")
    with open(path, "w") as file:
        file.write(script)
    arguments = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", path]
    for header in headers:
        arguments += ["-H", header]
    done = subprocess.run(arguments + [url], capture_output=True, text=True, timeout=seconds + 60)
    lines = [line for line in done.stdout.splitlines() if line.startswith("JSON")]
    if done.returncode or not lines:
        raise SystemExit(f"wrk {url}: {done.stdout}{done.stderr}")
    return json.loads(lines[0][4:].replace("-nan", "0").replace("nan", "0"))


def reserve_script(event, seats, seed):
    return RESERVE_LUA % {"event": event, "seats": seats, "seed": seed}


def load_tool(*arguments):
    """Our own load tool, where no public one speaks the protocol; its JSON."""
    done = subprocess.run(
        [os.path.join(os.environ.get("HOLDFAST_BINARIES", os.path.join(processes.ROOT, ".build", "release")), "holdfast-load"), *map(str, arguments), "--json"],
        capture_output=True, text=True, timeout=600)
    # Status 1: there were errors among the answers, which whoever asks looks at.
    if done.returncode not in (0, 1) or not done.stdout:
        raise SystemExit(f"holdfast-load {' '.join(map(str, arguments))}: {done.stderr}")
    return json.loads(done.stdout)
