"""Rows of the fault matrix: partitions, losses and resets, in network namespaces."""

import os
import subprocess
import time

from .fault_run import Etcd, Run, plain, row

BRIDGE = "10.77.0.254"  # router, buyers and etcd live on the bridge's side


def network(folder, etcd=False, small_packets=False, **options):
    """Two nodes on two hosts (network namespaces joined by a bridge), router and buyers on a third: all inside a namespace that this
    process was started in. With small packets a frame of some commands is made of several."""
    tag = f"hf{os.getpid()}"

    def do(*words):
        subprocess.run([str(word) for word in words], check=True)
    do("ip", "link", "set", "lo", "up")
    do("ip", "link", "add", "bridge0", "type", "bridge")
    do("ip", "addr", "add", f"{BRIDGE}/24", "dev", "bridge0")
    do("ip", "link", "set", "bridge0", "up")
    hosts, wrap = {}, {}
    for number, name in enumerate(("n1", "n2"), 1):
        namespace = f"{tag}-{name}"
        do("ip", "netns", "add", namespace)
        do("ip", "link", "add", f"veth{number}", "type", "veth", "peer", "name", "eth0", "netns", namespace)
        do("ip", "link", "set", f"veth{number}", "master", "bridge0", "up")
        do("ip", "-n", namespace, "link", "set", "lo", "up")
        do("ip", "-n", namespace, "link", "set", "eth0", "up")
        do("ip", "-n", namespace, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
        if small_packets:
            do("ip", "link", "set", f"veth{number}", "mtu", "576", "gso_max_segs", "1")
            do("ip", "-n", namespace, "link", "set", "eth0", "mtu", "576", "gso_max_segs", "1")
        hosts[name], wrap[name] = f"10.77.0.{number}", ["ip", "netns", "exec", namespace]
    os.makedirs(folder, exist_ok=True)
    run = Run(folder, hosts=hosts, wrap=wrap, etcd=Etcd(folder, BRIDGE) if etcd else None, **options)
    run.namespaces = {name: f"{tag}-{name}" for name in hosts}
    return run


def nft(namespace, *lines):
    text = "flush ruleset\n"
    if lines:
        text += "table inet cut {\n" + "".join(lines) + "}\n"
    subprocess.run(["ip", "netns", "exec", namespace, "nft", "-f", "-"], input=text, text=True, check=True)


def counted(run):
    """How many packets met the rules that count; None: there are no such rules."""
    text = "".join(subprocess.run(["ip", "netns", "exec", namespace, "nft", "list", "ruleset"], capture_output=True, text=True).stdout
                   for namespace in run.namespaces.values())
    found = [int(part.split()[0]) for part in text.split("counter packets ")[1:]]
    return sum(found) if found else None


def chain(hook, rule):
    return f"chain {hook} {{ type filter hook {hook} priority 0; {rule}; }}\n"


def from_host(address):
    return chain("input", f"ip saddr {address} drop")


def to_host(address):
    return chain("output", f"ip daddr {address} drop")


def cut(name, rules, etcd=False, strike_for=0, small_packets=False):
    """`rules(run, primary, follower)` gives the chains for each node's namespace. `etcd`: roles live on the third host. `strike_for`
    so many seconds; else until sales go on in spite of it."""
    def run_row(folder, **options):
        run = network(folder, etcd, small_packets, **options)
        run.cleanup = lambda: [subprocess.run(["ip", "netns", "del", namespace]) for namespace in run.namespaces.values()]
        yield run
        run.begin()
        for _ in range(run.times):
            primary = run.primary()
            follower = run.other(primary)

            def strike():
                for who, chains in rules(run, primary, follower).items():
                    nft(run.namespaces[who], *chains)
                if strike_for:
                    time.sleep(strike_for)
                    until = time.monotonic() + 10
                    while counted(run) == 0 and time.monotonic() < until:
                        time.sleep(0.1)
                    if counted(run) == 0:
                        run.problems.append("the rules that count met no packet")
                    lift()

            def lift():
                for namespace in run.namespaces.values():
                    nft(namespace)
            run.gap_of(strike)
            run.more_yeses(300)
            lift()
            run.wait_in_sync()
    row(name, needs=["root", "ip", "nft", "unshare", "netns", *(["etcd"] if etcd else [])])(run_row)


def host(run, name):
    return run.cluster.hosts[name]


cut("the nodes cannot hear each other", lambda run, primary, follower: {
    primary: [from_host(host(run, follower)), to_host(host(run, follower))]})
cut("one way: the follower does not hear the primary", lambda run, primary, follower: {
    follower: [from_host(host(run, primary))]})
cut("one way: the primary does not hear the follower", lambda run, primary, follower: {
    primary: [from_host(host(run, follower))]})
cut("the primary is cut off from everybody", lambda run, primary, follower: {
    primary: [from_host("10.77.0.0/24"), to_host("10.77.0.0/24")]}, etcd=True)
cut("one way: nobody hears the primary", lambda run, primary, follower: {
    primary: [to_host("10.77.0.0/24")]}, etcd=True)
cut("nobody can reach etcd for 2 s", lambda run, primary, follower: {
    name: [chain("output", f"tcp dport {run.etcd.port} drop"), chain("input", f"tcp sport {run.etcd.port} drop")]
    for name in (primary, follower)}, etcd=True, strike_for=2)
cut("the primary cannot reach etcd, nor the follower", lambda run, primary, follower: {
    primary: [chain("output", f"tcp dport {run.etcd.port} drop; ip daddr {host(run, follower)} drop"),
              chain("input", f"tcp sport {run.etcd.port} drop; ip saddr {host(run, follower)} drop")]}, etcd=True)
cut("30 % of the packets between the nodes are lost", lambda run, primary, follower: {
    primary: [chain("input", f"ip saddr {host(run, follower)} numgen random mod 100 < 30 drop")]})
cut("connections are reset in the middle of frames for 3 s", lambda run, primary, follower: {
    name: [chain("input", "meta length > 500 numgen random mod 1000 < 50 counter reject with tcp reset")]
    for name in (primary, follower)}, strike_for=3, small_packets=True)


@row("all connections of the nodes are reset ten times", needs=["root", "ss"])
def resets(folder, **options):
    run = plain(folder, **options)
    yield run
    ended = 0

    def strike():
        nonlocal ended
        for _ in range(10 * run.times):
            for port in run.cluster.node_ports.values():
                done = subprocess.run(
                    ["ss", "-K", "-H", "dst", "127.0.0.1", "dport", "=", str(port)], capture_output=True, text=True)
                ended += len(done.stdout.splitlines())
            time.sleep(0.1)
    run.gap_of(strike)
    if not ended:
        run.problems.append("no connection was reset")
