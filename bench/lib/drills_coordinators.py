"""Drills about the coordinator: its data lost, of yesterday, of another cluster; in a directory and in etcd."""

import os
import subprocess

from . import processes
from .drill_run import drill


def both(name, short=(), **needs):
    """The same drill with the map in a directory and in etcd."""
    def add(function):
        for kind in ("file", "etcd"):
            drill(f"{name} ({kind})", short=kind in short, etcd=kind == "etcd", **needs)(function)
        return function
    return add


@both("coordinator lost while all are stopped", short=("file",))
def lost_while_stopped(run):
    run.lead("n1")
    run.more()
    run.down()
    run.lose_coordinator()
    for name in run.cluster.names:
        run.start(name)
        run.see_refusal(name, "holdfast recover")
    run.recover("n1", "n2")
    run.start("n1", "n2", "router")
    run.see_in_sync()
    run.more()
    run.see_next_failover()


@both("coordinator lost while all run")
def lost_while_running(run):
    run.lose_coordinator()
    run.see("a node's log says so", lambda: any(
        "the coordinator's data are gone" in run.said(name) for name in run.cluster.names), 15)
    run.more(60)
    run.see("the nodes have registered anew", lambda: len(run.status()["nodes"]) == 2 and all(
        shard["primary"] and shard["follower"] for shard in run.status()["shards"]), 30)
    run.see_next_failover()
    run.kill("router")
    run.start("router")
    run.more()


def move_on(run):
    """Roles change: what the coordinator said before is of yesterday."""
    run.more()
    for name in run.cluster.names:
        run.lead(name)
        run.more(10)


@both("coordinator of yesterday put back while all run")
def yesterday_while_running(run):
    run.save_coordinator()
    move_on(run)
    run.put_back_coordinator()
    run.see("a node's log says so", lambda: any(
        "the coordinator" in line and "went back" in line for name in run.cluster.names
        for line in run.said(name).splitlines()), 15)
    run.more(60)
    run.see_in_sync()
    run.see_next_failover()


@both("coordinator of yesterday put back while all are stopped")
def yesterday_while_stopped(run):
    run.save_coordinator()
    move_on(run)
    run.down()
    run.put_back_coordinator()
    run.start("n1", "n2", "router")
    run.see_in_sync()
    run.more()
    run.see_next_failover()


@both("coordinator of yesterday names the node that is behind, alone", short=("file",))
def yesterday_names_the_wrong_one(run):
    """Yesterday n1 was alone. Today n2 is, and has sold what n1 never saw: n1 must not believe yesterday's map."""
    run.stop("n2")
    run.more(10)
    run.save_coordinator()
    run.start("n2")
    run.see_in_sync()
    run.stop("n1")
    run.more()
    run.quiet()
    run.stop("n2", "router")
    run.put_back_coordinator()
    run.start("n1", "router")
    run.see_nobody_sells()
    run.start("n2")
    run.see_in_sync()
    run.more()
    run.see_next_failover()


@drill("coordinator of another cluster")
def of_another(run):
    run.down()
    os.rename(run.map, run.map + ".mine")
    stranger = run.twin("stranger", name="n1")
    run.see("another cluster is born", lambda: os.path.exists(os.path.join(run.map, "birth")), 15)
    run.stop(stranger)
    run.start("n2")
    run.see_refusal("n2", "the coordinator holds cluster")
    subprocess.run(["rm", "-rf", run.map], check=True)
    os.rename(run.map + ".mine", run.map)
    run.start("n1", "n2", "router")
    run.cluster.wait_ready()
    run.see_in_sync()


@drill("holdfast recover while a node runs")
def recover_beside_a_live_node(run):
    """It is for stopped nodes: a live one's directory is refused, and nothing is written."""
    before = snapshot_of(run.map)
    done = run.cli("recover", run.folder_of("n1"), run.folder_of("n2"))
    run.expect(done.returncode == 1, f"holdfast recover beside live nodes ended with {done.returncode}: {done.stdout}{done.stderr}")
    run.expect(snapshot_of(run.map) == before, "holdfast recover changed the map beside live nodes")
    processes.wait_until("the router is ready", lambda: run.cluster.get("/readyz")[0] == 200, 10)


def snapshot_of(folder):
    return sorted(os.listdir(os.path.join(folder, "map")))
