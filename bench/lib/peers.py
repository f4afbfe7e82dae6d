"""What people would use instead: Redis with a Lua script, nginx + Lua in front of it, PostgreSQL. All from Debian packages, on
loopback, with their data in a temporary folder."""

import os
import pwd
import shutil
import subprocess

from . import processes
from .resp import Resp, RespError

# One seat, held for some seconds, if nobody has it; and the counter that a seat map would need.
HOLD_LUA = (
    "if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then "
    "redis.call('INCR', KEYS[2]) return 'OK' end "
    "return redis.error_reply('TAKEN by another')")


def need(*programs):
    missing = [program for program in programs if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") is None]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)}; run bench/compare, which installs them, or apt-get install")


class Redis:
    promise = "yes after the primary's fsync; the replica is asynchronous (with WAIT 1: in the replica's memory)"
    short_promise = "synced once; replica later"

    def __init__(self, folder):
        need("redis-server")
        self.folder = folder
        self.port, self.replica_port = processes.free_ports(2)
        # Not in the folder, whose path may be longer than a socket's can be.
        self.socket = f"/tmp/hf-redis-{self.port}.sock"

    def start(self):
        for name, port, extra in (
            ("primary", self.port, ["--unixsocket", self.socket]),
            ("replica", self.replica_port, ["--replicaof", "127.0.0.1", str(self.port)]),
        ):
            home = os.path.join(self.folder, "redis-" + name)
            os.makedirs(home, exist_ok=True)
            process = processes.start(
                ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", home, "--appendonly", "yes",
                 "--appendfsync", "always", "--save", "", "--repl-diskless-sync-delay", "0"] + extra,
                os.path.join(self.folder, f"redis-{name}.log"))
            processes.wait_until(f"redis {name}", lambda: processes.port_open(port), 20, process)
        client = Resp(self.port)
        processes.wait_until("the redis replica is in sync", lambda: client.call("WAIT", 1, 100) == 1 and
                             "state=online" in client.call("INFO", "replication"))
        self.sha = client.call("SCRIPT", "LOAD", HOLD_LUA)
        client.close()
        return self

    def flush(self):
        client = Resp(self.port)
        client.call("FLUSHALL")
        client.call("WAIT", 1, 10_000)
        client.close()

    def held(self):
        """(the counter, the keys that are seats)."""
        client = Resp(self.port)
        counter = int(client.call("GET", "held") or 0)
        keys = int(client.call("DBSIZE")) - (1 if counter else 0)
        client.close()
        return counter, keys

    def memory(self):
        client = Resp(self.port)
        text = client.call("INFO", "memory")
        client.close()
        return int(text.split("used_memory:")[1].split()[0])


NGINX = """
daemon off; worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  etag on; default_type application/json; open_file_cache max=100; sendfile on; tcp_nopush on;
  lua_package_path "/usr/share/lua/5.1/?.lua;;"; lua_package_cpath "/usr/lib/x86_64-linux-gnu/lua/5.1/?.so;;";
  server {{
    listen 127.0.0.1:{port} backlog=4096 reuseport;
    location = /floor {{ return 200 'ok'; }}
    location /static/ {{ alias {folder}/static/; }}
    location = /v1/reserve {{
      client_body_buffer_size 64k;
      content_by_lua_block {{
        local cjson = require "cjson.safe"
        local redis = require "nginx.redis"
        ngx.req.read_body()
        local body = cjson.decode(ngx.req.get_body_data() or "")
        if not body then ngx.status = 400 return ngx.say('{{"code":"invalid_json"}}') end
        local client = redis:new()
        client:set_timeout(10000)
        local ok, err = client:connect("127.0.0.1", {redis})
        if not ok then ngx.status = 503 return ngx.say(err) end
        local answer, err = client:evalsha("{sha}", 2, body.event .. ":" .. body.seats[1], "held", body.buyer, 600)
        if not answer then
          client:set_keepalive(60000, 256)
          ngx.status = 409
          return ngx.say('{{"code":"seats_taken","seats":["' .. body.seats[1] .. '"]}}')
        end
        client:wait(1, 1000)
        client:set_keepalive(60000, 256)
        ngx.header["Content-Type"] = "application/json"
        ngx.say(cjson.encode({{hold = ngx.var.request_id, event = body.event, buyer = body.buyer, seats = body.seats,
          total = 4500, currency = "EUR", expires_at = ngx.time() + 600}}))
      }}
    }}
  }}
}}
"""


class Nginx:
    promise = "Redis's, with WAIT 1 before each yes"
    short_promise = "synced once; in the replica's memory"

    def __init__(self, folder, redis):
        need("nginx")
        self.folder = os.path.join(folder, "nginx")
        self.redis = redis
        (self.port,) = processes.free_ports(1)

    def start(self):
        os.makedirs(os.path.join(self.folder, "static"), exist_ok=True)
        configuration = os.path.join(self.folder, "nginx.conf")
        text = NGINX.format(folder=self.folder, port=self.port, redis=self.redis.port, sha=self.redis.sha)
        if os.getuid() == 0:
            text = "user root;" + text
        with open(configuration, "w") as file:
            file.write(text)
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        process = processes.start(
            [nginx, "-c", configuration, "-p", self.folder], os.path.join(self.folder, "out.log"))
        processes.wait_until("nginx", lambda: processes.port_open(self.port), 20, process)
        return self

    def static(self, name, body):
        with open(os.path.join(self.folder, "static", name), "wb") as file:
            file.write(body)


class Postgres:
    promise = "yes after the primary's fsync; one copy"
    short_promise = "synced once; one copy"
    SEATS = 1_000_000

    def __init__(self, folder):
        self.bin = max(
            (os.path.join("/usr/lib/postgresql", version, "bin") for version in os.listdir("/usr/lib/postgresql")),
            key=lambda path: float(path.split("/")[-2]))
        self.folder = os.path.join(folder, "postgres")
        (self.port,) = processes.free_ports(1)

    def as_server(self, arguments):
        """initdb and postgres refuse to run as root."""
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] + arguments
        return arguments

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        data = os.path.join(self.folder, "data")
        subprocess.run(
            self.as_server([os.path.join(self.bin, "initdb"), "-D", data, "-A", "trust", "-U", "bench"]), check=True,
            stdout=subprocess.DEVNULL, cwd="/")
        process = processes.start(
            self.as_server([
                os.path.join(self.bin, "postgres"), "-D", data, "-p", str(self.port), "-k", self.folder, "-c",
                "listen_addresses=127.0.0.1", "-c", "synchronous_commit=on", "-c", "shared_buffers=1GB", "-c",
                "max_connections=200"]),
            os.path.join(os.path.dirname(self.folder), "postgres.log"), cwd="/")
        processes.wait_until("postgres", lambda: processes.port_open(self.port), 30, process)
        self.sql(
            f"create table seats(id int primary key, status int not null default 0, buyer text, until timestamptz);"
            f"insert into seats(id) select generate_series(0, {self.SEATS - 1}); vacuum analyze seats;")
        return self

    def sql(self, text):
        for _ in range(50):
            done = subprocess.run(
                ["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", "-At", "-c", text.split(";")[0], *(
                    part for statement in text.split(";")[1:] if statement.strip() for part in ("-c", statement)),
                 "postgres"], capture_output=True, text=True)
            if done.returncode == 0:
                return done.stdout.strip()
            if "starting up" not in done.stderr:
                raise SystemExit(f"psql: {done.stderr}")
        raise SystemExit("postgres does not start")

    def run(self, seconds, clients):
        """Single-seat updates a second, and how many of them found the seat free, by count."""
        before = int(self.sql("select count(*) from seats where status = 1"))
        script = os.path.join(os.path.dirname(self.folder), "hold.sql")
        with open(script, "w") as file:
            file.write(
                f"\\set seat random(0, {self.SEATS - 1})\n"
                "update seats set status = 1, buyer = 'b1', until = now() + interval '10 minutes' "
                "where id = :seat and status = 0;\n")
        done = subprocess.run(
            [os.path.join(self.bin, "pgbench"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", "-n", "-M",
             "prepared", "-f", script, "-c", str(clients), "-j", "2", "-T", str(seconds), "postgres"],
            capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"pgbench: {done.stderr}")
        rate = float(done.stdout.split("tps = ")[1].split()[0])
        return rate, int(self.sql("select count(*) from seats where status = 1")) - before
