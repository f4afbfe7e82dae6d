"""Buys a seat with the client that openapi-python-client made: generated_client.py PACKAGE URL. Says the order's status."""

import importlib
import os
import sys
import uuid

package, url = sys.argv[1:]
sys.path.insert(0, os.path.dirname(package))
name = os.path.basename(package)


def load(path):
    return importlib.import_module(f"{name}.{path}")


models, client = load("models"), load("client").Client(base_url=url)


def call(operation, *arguments, **options):
    """The parsed answer of one call."""
    answer = load(f"api.default.{operation}").sync_detailed(*arguments, client=client, **options)
    assert 200 <= answer.status_code < 300, (operation, answer)
    return answer.parsed


event = "client-" + uuid.uuid4().hex
created = call("create_event", body=models.NewEvent(
    id=event, name="Made by a generated client",
    sections=[models.NewSection(name="Stalls", rows=2, seats_per_row=5, price=4500)]))
assert created.id == event and created.free == 10, created
listed = [entry for entry in call("list_events", limit=1000).events if entry.id == event]
assert len(listed) == 1 and listed[0].venue is None, listed
hold = call("reserve", body=models.Reserve(event=event, buyer="ann", seats=["Stalls-A-1"]), idempotency_key="one")
again = call("reserve", body=models.Reserve(event=event, buyer="ann", seats=["Stalls-A-1"]), idempotency_key="one")
assert hold.hold == again.hold and hold.total == 4500, (hold, again)
taken = load("api.default.reserve").sync_detailed(client=client, body=models.Reserve(event=event, buyer="bob", seats=["Stalls-A-1"]))
assert taken.status_code == 409 and taken.parsed.code == "seats_taken", taken
assert taken.parsed.states.to_dict() == {"Stalls-A-1": "held"}, taken.parsed
best = call("reserve", body=models.Reserve(event=event, buyer="eve", best=models.BestSeats(count=2)))
assert len(best.seats) == 2, best
order = call("checkout", body=models.Checkout(hold=hold.hold, reference="invoice-1"))
confirmed = call("confirm", order.order)
seats = call("seats", event)
assert seats.sections[0].rows[0].seats[0] == "s", seats
print(confirmed.status.value)
