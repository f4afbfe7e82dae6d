"""Every call that changes something, at both doors, each under a key: made, made twice at a time, and made again later. The same key
gives the same answer; another call under the key is refused."""

import concurrent.futures

from .resp import RespError


class Retries:
    def __init__(self, cluster, turn):
        self.cluster, self.turn = cluster, turn
        self.event = f"retries{turn}"
        self.calls = []  # (name, how to make it, the first answer)

    def first(self):
        """Makes each call twice at a time, as an impatient client does: both are answered alike."""
        event = self.make("POST", "/v1/events", {
            "id": self.event, "name": "Retries", "max_hold_ttl": 7200, "sections": [{"name": "S", "rows": 5, "seats_per_row": 20, "price": 100}],
            "areas": [{"name": "Floor", "capacity": 50, "price": 50}]})
        if event["id"] != self.event:
            raise SystemExit(f"the event was not made: {event}")
        self.of_resp()
        self.of_http()

    def of_resp(self):
        event = self.event
        hold = self.make("HOLD", event, "ann", 3600, "#0", "#1")[0]
        self.make("HOLD", event, "bob", 3600, "#0")  # a refusal is an outcome too
        best = self.make("HOLD.BEST", event, "ann", 3600, 2)[0]
        area = self.make("HOLD.AREA", event, "ann", 3600, "Floor", 3)[0]
        self.make("EXTEND", hold, 3600)
        self.make("RELEASE", best)
        order = self.make("CHECKOUT", hold)
        self.make("CONFIRM", order)
        self.make("CANCEL", self.make("CHECKOUT", area))

    def of_http(self):
        event = self.event
        hold = self.make("POST", "/v1/reserve", {"event": event, "buyer": "eve", "seats": ["#50", "#51"]})["hold"]
        self.make("POST", "/v1/reserve", {"event": event, "buyer": "eve", "seats": ["#51"]})
        other = self.make("POST", "/v1/reserve", {"event": event, "buyer": "eve", "best": {"count": 1}})["hold"]
        third = self.make("POST", "/v1/reserve", {"event": event, "buyer": "eve", "areas": {"Floor": 1}})["hold"]
        self.make("POST", f"/v1/holds/{hold}/extend", {"ttl": 900})
        self.make("DELETE", f"/v1/holds/{other}", None)
        order = self.make("POST", "/v1/checkout", {"hold": hold})["order"]
        self.make("POST", f"/v1/orders/{order}/confirm", {})
        self.make("POST", f"/v1/orders/{self.make('POST', '/v1/checkout', {'hold': third})['order']}/cancel", {})

    def make(self, *words):
        key = f"retry-{len(self.calls)}"
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            one, two = pool.map(lambda _: self.carry_out(words, key), range(2))
        if one != two:
            raise SystemExit(f"{words} under one key was answered with {one} and {two}")
        self.calls.append((words, key, one))
        return one[1]

    def carry_out(self, words, key):
        if words[0] in ("POST", "DELETE"):
            status, _, body = self.cluster.request(*words, headers={"Idempotency-Key": key})
            return status, body
        client = self.cluster.resp()
        try:
            return "ok", client.call(*words, "KEY", key)
        except RespError as error:
            return "error", str(error)
        finally:
            client.close()

    def again(self, when):
        """What is answered otherwise than the first time, as sentences."""
        problems = []
        for words, key, answer in self.calls:
            found = self.carry_out(words, key)
            if found != answer:
                problems.append(f"{words} {when}: first {answer}, then {found}")
        words, key, _ = next(call for call in self.calls if call[0][0] == "HOLD")
        found = self.carry_out((*words[:2], "mallory", *words[3:]), key)
        if not found[1].startswith("KEYREUSED"):
            problems.append(f"another call under the key {key}: {found}")
        return problems
