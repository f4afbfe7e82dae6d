"""A Holdfast cluster of its own for a benchmark or a fault test: two nodes, a router, the file coordinator."""

import json
import os
import time
import urllib.error
import urllib.request

from . import processes
from .resp import Resp


class Holdfast:
    promise = "yes only after the record is synced on two nodes"
    short_promise = "synced on two nodes"

    def __init__(self, folder, shards=16, loops=None, nodes=2, binaries=None, node_options=(), router_options=(),
                 coordinator=None, wrap=None, hosts=None):
        self.folder = folder
        self.binaries = binaries or os.environ.get(
            "HOLDFAST_BINARIES", os.path.join(processes.ROOT, ".build", "release"))
        self.shards, self.loops = shards, loops
        self.coordinator = coordinator or "file:" + os.path.join(folder, "map")
        self.node_options, self.router_options = list(node_options), list(router_options)
        self.names = [f"n{number + 1}" for number in range(nodes)]
        ports = processes.free_ports(nodes + 2)
        self.node_ports = dict(zip(self.names, ports))
        self.http, self.tcp = ports[nodes:]
        self.wrap, self.hosts = wrap or {}, hosts or {}
        self.processes = {}
        self.directories = {}  # by node, where its data lie if not in the folder of its name

    def node_arguments(self, name, wrap=None, data=None, port=None):
        """The command of a node of this name. `data`: another directory than its own; `port`: another than its own."""
        arguments = list(wrap or self.wrap.get(name, [])) + [
            os.path.join(self.binaries, "holdfast-node"), "--name", name,
            "--listen", f"{self.hosts.get(name, '127.0.0.1')}:{port or self.node_ports[name]}",
            "--data", data or self.folder_of(name), "--coordinator", self.coordinator, "--shards", str(self.shards)]
        return arguments + self.node_options + (["--loops", str(self.loops)] if self.loops else [])

    def folder_of(self, name):
        return os.path.join(self.folder, self.directories.get(name, name))

    def start_node(self, name, wrap=None):
        self.processes[name] = processes.start(self.node_arguments(name, wrap), os.path.join(self.folder, name + ".log"))

    def start_router(self, name="router"):
        arguments = list(self.wrap.get(name, [])) + [
            os.path.join(self.binaries, "holdfast-router"), "--http", f"127.0.0.1:{self.http}",
            "--tcp", f"127.0.0.1:{self.tcp}", "--coordinator", self.coordinator] + self.router_options
        if self.loops:
            arguments += ["--loops", str(self.loops)]
        self.processes[name] = processes.start(arguments, os.path.join(self.folder, name + ".log"))

    def start(self):
        os.makedirs(os.path.join(self.folder, "map"), exist_ok=True)
        for name in self.names:
            self.start_node(name)
        self.start_router()
        self.wait_ready()
        return self

    def wait_ready(self, timeout=60):
        processes.wait_until(
            "the router is ready", lambda: self.get("/readyz")[0] == 200, timeout, self.processes["router"])

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def request(self, method, path, body=None, headers=None, timeout=30):
        """(status, headers, parsed body or text)."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        for key, value in (headers or {}).items():
            request.add_header(key, value)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                status, head, text = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            status, head, text = answer.code, answer.headers, answer.read()
        if "json" in (head.get("Content-Type") or ""):
            return status, head, json.loads(text) if text else None
        return status, head, text.decode(errors="replace")

    def resp(self):
        return Resp(self.tcp)

    def create_event(self, name, rows=1000, seats_per_row=1000):
        """An event whose holds may outlive any run. 503 says that nothing happened: so it is tried again."""
        body = {"id": name, "name": name, "max_hold_ttl": 86400, "sections": [
            {"name": "Main", "rows": rows, "seats_per_row": seats_per_row, "price": 4500}]}
        for _ in range(50):
            status, _, answer = self.request("POST", "/v1/events", body)
            if status == 201:
                return
            if status != 503:
                break
            time.sleep(0.1)
        raise RuntimeError(f"the event was not made: {status} {answer}")

    def held(self, event):
        client = self.resp()
        try:
            return int(client.map("EVENT.INFO", event)["held"])
        finally:
            client.close()

    def stop(self):
        for process in self.processes.values():
            processes.stop(process)
