"""locust for bench/tools: reads, or holds of seats at random; counts answers by status, and writes them when it
ends."""

import collections
import json
import os
import random

from locust import FastHttpUser, constant, events, task

PATH, EVENT, SEATS = os.environ["LOCUST_PATH"], os.environ["LOCUST_EVENT"], int(os.environ["LOCUST_SEATS"])
counts = collections.Counter()


class Buyer(FastHttpUser):
    wait_time = constant(0)

    @task
    def ask(self):
        if SEATS:
            body = {"event": EVENT, "buyer": f"l{random.randrange(10**6)}", "seats": [f"#{random.randrange(SEATS)}"]}
            with self.client.post(PATH, json=body, catch_response=True) as answer:
                counts[answer.status_code] += 1
                if answer.status_code == 409:  # somebody else was faster: an answer, not a failure
                    answer.success()
        else:
            counts[self.client.get(PATH).status_code] += 1


@events.quitting.add_listener
def write(environment, **_):
    total = environment.stats.total
    with open(os.environ["LOCUST_SUMMARY"], "w") as file:
        json.dump({"requests": total.num_requests, "failures": total.num_failures, "statuses": counts,
                   "rate": total.total_rps, "p99": total.get_response_time_percentile(0.99)}, file)
