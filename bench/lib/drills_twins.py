"""Drills about one name and two processes: a twin of a node that runs, and of one that stands still and wakes up."""

import os
import time

from . import processes
from .checker import Operation, Recorder
from .drill_run import SEATS, drill
from .resp import Resp, RespError


@drill("twin of a live node", short=True)
def twin_of_a_live_node(run):
    """Refused, whatever its directory is, with a sentence that names who lives."""
    live = run.process("n1")
    run.copy("n1", "copy")
    for data in ("copy", "empty"):
        alias = run.twin(data)
        run.see_refusal(alias, f"127.0.0.1:{run.cluster.node_ports['n1']}", str(live.pid))
    alias = run.twin("n1")
    run.see_end(alias, status=1)
    run.expect(live.poll() is None, "the live one ended")
    run.more()
    run.see_in_sync()


def twin_of_a_frozen_node(name, is_copy):
    @drill(name)
    def run_drill(run):
        run.lead("n1")
        run.more()
        run.freeze("n1")
        run.more()
        if is_copy:
            run.copy("n1", "other")
        twin = run.twin("other")
        run.see_in_sync()
        run.lead("n1")
        run.more()
        run.thaw("n1")
        see_loud_end(run, "n1")
        run.expect(run.process(twin).poll() is None, "the twin ended")
        run.more()
        run.see_in_sync()


twin_of_a_frozen_node("twin of a frozen node from a copy, its peer runs", is_copy=True)
twin_of_a_frozen_node("twin of a frozen node from an empty directory, its peer runs", is_copy=False)


@drill("node moved with its directory to another address")
def moved(run):
    run.stop("n1")
    run.copy("n1", "elsewhere")
    run.more()
    run.twin("elsewhere")
    run.see_in_sync()
    run.lead("n1")
    run.more()


@drill("twin of a frozen node that was alone", short=True)
def twin_of_a_frozen_node_alone(run):
    """The old process wakes with requests in its sockets, from a router that stood still as long: it must not answer one of them."""
    run.stop("n2")
    run.kill("router")
    run.cluster.router_options = ["--failover-wait", "20000"]  # it does not give up before the node wakes
    run.start("router")
    run.more()
    run.freeze("n1")
    # What the buyers ask now lies in the frozen node's sockets.
    run.see("the buyers wait", lambda: waiting(run) >= 3 * len(run.recorders), 10)
    run.freeze("router")
    run.copy("n1", "copy")
    twin = run.twin("copy")
    run.see_line(twin, "a suspect replica waits", timeout=5)
    run.accept_loss()
    second = second_router(run)
    # The very seats that the frozen one was asked for are sold by the twin.
    late = [sell_again(second, recorder) for recorder in run.recorders]
    others = [Recorder([second], recorder.event, SEATS, clients=3, seed=recorder.seed + 1000, release_share=0.1, think=0.02).start()
              for recorder in run.recorders]
    targets = [200] * len(others)
    run.see("the twin sells", lambda: all(other.yeses() >= target for other, target in zip(others, targets)), 30)
    run.thaw("n1")
    run.thaw("router")
    see_loud_end(run, "n1")
    run.more()
    run.start("n2")
    run.see_in_sync()
    for other, sold, recorder in zip(others, late, run.recorders):
        other.stop()
        recorder.operations += sold + other.operations


def see_loud_end(run, name):
    if run.see_end(name, status=1):
        text = run.said(name)
        run.expect(any('"level":"error"' in line and "the node stops" in line for line in text.splitlines()),
                   f"{name} ended without a line of level error: {text[-300:]}")
        run.expect(any(line.startswith("holdfast-node:") for line in text.splitlines()), f"{name} said nothing on stderr")


def under_way(recorder):
    return [op for op in list(recorder.operations)[-12:] if op.returned is None]


def waiting(run):
    return sum(len(under_way(recorder)) for recorder in run.recorders)


def sell_again(port, recorder):
    """Another buyer holds the seats that are asked for at this moment, at another router; his calls, for the judge."""
    client, calls = Resp(port, timeout=30), []
    for op in under_way(recorder):
        call = Operation("hold", op.seat, f"late-{op.who}", f"late-{op.key}", time.monotonic())
        try:
            call.hold = client.call("HOLD", recorder.event, call.who, 3600, f"#{op.seat}", "KEY", call.key)[0]
            call.result = "ok"
        except RespError as error:
            call.result = "taken" if str(error).startswith("TAKEN") else "unknown"
        call.returned = time.monotonic()
        calls.append(call)
    client.close()
    return calls


def second_router(run):
    """Another pair of doors; the RESP one's port."""
    http, tcp = processes.free_ports(2)
    arguments = [os.path.join(run.cluster.binaries, "holdfast-router"), "--http", f"127.0.0.1:{http}", "--tcp", f"127.0.0.1:{tcp}",
                 "--coordinator", run.cluster.coordinator, "--loops", "1", *run.cluster.router_options]
    run.cluster.processes["router2"] = processes.start(arguments, os.path.join(run.folder, "router2.log"))
    processes.wait_until("the second router listens", lambda: processes.port_open(tcp), 20)
    return tcp


