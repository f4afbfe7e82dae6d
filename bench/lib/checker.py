"""A client that writes down every call, return and unknown, and a judge of what it wrote.

The judge knows three things. No seat has two owners: over all acknowledged holds that were never released, each seat appears
once. Nothing acknowledged is lost: each such hold is found again, whole, afterwards. And each seat's history is linearizable:
there is an order of the calls, respecting which of them ended before which began, in which a seat that behaves like a register
(free, or held by one) gives exactly the answers that were given; a call with an unknown end may have happened at any time after
it began, or never."""

import itertools
import random
import threading
import time

from .resp import Resp, RespError


class Operation:
    __slots__ = ("kind", "seat", "who", "key", "called", "returned", "result", "hold")

    def __init__(self, kind, seat, who, key, called):
        self.kind, self.seat, self.who, self.key, self.called = kind, seat, who, key, called
        self.returned, self.result, self.hold = None, "unknown", None


class Recorder:
    """Buyers that hold, retry, release and buy over RESP while something else breaks the cluster."""

    def __init__(self, ports, event, seats, clients=64, seed=1, release_share=0.2, retry_for=20, think=0.0):
        self.ports, self.event, self.seats, self.clients = ports, event, seats, clients
        self.seed, self.release_share, self.retry_for, self.think = seed, release_share, retry_for, think
        self.operations, self.lock, self.stopping = [], threading.Lock(), threading.Event()
        self.answers = []  # when any client heard a yes to a hold
        self.yes_count = 0
        self.threads = []
        self.selling = threading.Event()
        self.selling.set()
        self.errors = {}

    def start(self):
        self.join(self.clients)
        return self

    def join(self, count):
        """So many more buyers, who know nothing of what was before: after a failover they go to whoever sells now."""
        for number in range(len(self.threads), len(self.threads) + count):
            thread = threading.Thread(target=self._client, args=(number,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def stop(self, timeout=60):
        self.stopping.set()
        for thread in self.threads:
            thread.join(timeout)
        alive = sum(thread.is_alive() for thread in self.threads)
        if alive:
            raise AssertionError(f"{alive} clients still wait {timeout} s after the end: a connection was forgotten")

    def yeses(self):
        return self.yes_count

    def longest_gap(self, begin, end):
        """Longest time without a yes to a hold, in seconds, between two moments."""
        with self.lock:
            times = sorted(moment for moment in self.answers if begin <= moment <= end)
        return max((b - a for a, b in itertools.pairwise([begin, *times, end])), default=end - begin)

    def _client(self, number):
        chance = random.Random(self.seed * 100_003 + number)
        connection, turn, mine = None, 0, []
        while not self.stopping.is_set():
            if not self.selling.wait(0.05):
                continue
            turn += 1
            if mine and chance.random() < self.release_share:
                operation = self._begin("release", mine[-1].seat, mine[-1].who, f"k{self.seed}-{number}-{turn}")
                operation.hold = mine.pop().hold
                words = ["RELEASE", operation.hold, "KEY", operation.key]
            else:
                seat = chance.randrange(self.seats)
                operation = self._begin("hold", seat, f"b{number}-{turn}", f"k{self.seed}-{number}-{turn}")
                words = ["HOLD", self.event, operation.who, 3600, f"#{seat}", "KEY", operation.key]
            connection = self._call(connection, operation, words)
            if operation.kind == "hold" and operation.result == "ok":
                mine.append(operation)
            if self.think:
                time.sleep(self.think * chance.random())
        if connection is not None:
            connection.close()

    def _begin(self, kind, seat, who, key):
        operation = Operation(kind, seat, who, key, time.monotonic())
        with self.lock:
            self.operations.append(operation)
        return operation

    def _call(self, connection, operation, words):
        """Sends until there is a definite answer, with the same key; gives up after `retry_for` seconds: unknown."""
        give_up = time.monotonic() + self.retry_for
        while time.monotonic() < give_up:
            try:
                if connection is None:
                    connection = Resp(self.ports[0], timeout=30)
                answer = connection.call(*words)
                self._end(operation, "ok", answer)
                return connection
            except RespError as error:
                word = str(error).split()[0]
                with self.lock:
                    self.errors[word] = self.errors.get(word, 0) + 1
                if word == "TAKEN":
                    self._end(operation, "taken", None)
                    return connection
                if word in ("NOHOLD", "EXPIRED"):
                    self._end(operation, "gone", None)
                    return connection
                if word not in ("TRYAGAIN", "UNKNOWN"):
                    operation.result = f"error {error}"
                    operation.returned = time.monotonic()
                    return connection
                time.sleep(0.01)
            except (OSError, ConnectionError):
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.02)
            if self.stopping.is_set() and time.monotonic() > give_up - self.retry_for / 2:
                break
        return connection

    def _end(self, operation, result, answer):
        now = time.monotonic()
        with self.lock:
            if operation.kind == "hold" and answer is not None:
                operation.hold = answer[0]
                self.answers.append(now)
            operation.returned, operation.result = now, result
            self.yes_count += result == "ok"


def judge(recorder, find_holds):
    """What went wrong, as a list of sentences, and the counts. `find_holds(ids)` gives each hold's buyer and seats."""
    problems = []
    operations = recorder.operations
    released = {op.hold for op in operations if op.kind == "release"}
    owners, doubled = {}, 0
    for op in operations:
        if str(op.result).startswith("error"):
            problems.append(f"seat {op.seat}: {op.kind} by {op.who} ended in {op.result}")
        if op.kind == "hold" and op.result == "ok" and op.hold not in released:
            if op.seat in owners:
                doubled += 1
                problems.append(f"seat {op.seat} was given to {owners[op.seat].who} and to {op.who}")
            owners[op.seat] = op
    lost = 0
    for (seat, op), found in zip(owners.items(), find_holds([op.hold for op in owners.values()])):
        if found[0] != op.who or seat not in found[1]:
            lost += 1
            problems.append(f"seat {seat}: the hold {op.hold} of {op.who} was acknowledged and is {found}")
    by_seat = {}
    for op in operations:
        if op.result in ("ok", "taken", "unknown", "gone"):
            by_seat.setdefault(op.seat, []).append(op)
    for seat, history in by_seat.items():
        if not linearizable(history):
            problems.append(f"seat {seat}: no order explains its {len(history)} calls")
    counts = {
        "acknowledged": sum(1 for op in operations if op.kind == "hold" and op.result == "ok"),
        "refused": sum(1 for op in operations if op.result == "taken"),
        "unknown": sum(1 for op in operations if op.result == "unknown"),
        "lost": lost, "doubled": doubled,
    }
    return problems, counts


def linearizable(history):
    """Wing and Gong's search with Lowe's memory of visited states, for one seat as a register: free, or held by a hold.

    A release that answered ok twice under one key is one call here. Unknown calls may take effect at any time or never."""
    calls = sorted(history, key=lambda op: op.called)
    infinite = float("inf")
    ends = [op.returned if op.result != "unknown" and op.returned is not None else infinite for op in calls]
    # A seat is named by the hold that has it; a hold with an unknown end is named by its key.
    def step(state, op):
        if op.kind == "hold":
            mine = op.hold or op.key
            if op.result == "ok" or op.result == "unknown":
                return (mine,) if state == () else None
            return state if state != () else None
        if op.result == "gone":
            return state if state != (op.hold,) else None
        return () if state == (op.hold,) else None

    total = len(calls)
    must = sum(1 for index in range(total) if ends[index] != infinite)
    stack, seen = [(0, 0, ())], set()
    while stack:
        done, finished, state = stack.pop()
        if finished == must:
            return True
        if (done, state) in seen:
            continue
        seen.add((done, state))
        earliest_end = min((ends[index] for index in range(total) if not done >> index & 1), default=infinite)
        for index in range(total):
            if done >> index & 1:
                continue
            op = calls[index]
            if op.called > earliest_end:
                break
            after = step(state, op)
            if after is not None:
                stack.append((done | 1 << index, finished + (ends[index] != infinite), after))
    return False


def seat_number(label, seats_per_row):
    """`Main-AB-12` as the seat's place in its plan of one section."""
    _, row, number = label.rsplit("-", 2)
    index = 0
    for letter in row:
        index = index * 26 + ord(letter) - ord("A") + 1
    return (index - 1) * seats_per_row + int(number) - 1


def find_holds_over(port, seats_per_row, window=128):
    """A `find_holds` for `judge`, over RESP with strong reads, some of them under way at a time."""
    def find(holds):
        client = Resp(port)
        found = []
        try:
            for begin in range(0, len(holds), window):
                part = holds[begin:begin + window]
                for hold in part:
                    client.send("HOLD.INFO", hold)
                for _ in part:
                    try:
                        flat = client.read()
                        info = dict(zip(flat[::2], flat[1::2]))
                        found.append((info["buyer"], {seat_number(label, seats_per_row) for label in info["seats"]}))
                    except RespError as error:
                        found.append((str(error), set()))
        finally:
            client.close()
        return found

    return find
