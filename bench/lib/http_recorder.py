"""The recorder's buyers at the HTTP door: keep-alive connections, an idempotency key for each call, retries on 503 and 504."""

import http.client
import json
import threading
import time

from .checker import Recorder


class HTTPRecorder(Recorder):
    """`ports[0]` is the HTTP door's. Same operations, same judge as over RESP."""

    def _call(self, connection, operation, words):
        give_up = time.monotonic() + self.retry_for
        while time.monotonic() < give_up:
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.ports[0], timeout=30)
                status, answer = send(connection, operation, self.event)
                if status in (200, 204):
                    self._end(operation, "ok", [answer["hold"]] if operation.kind == "hold" else None)
                    return connection
                code = answer.get("code", "") if answer else ""
                with self.lock:
                    self.errors[code] = self.errors.get(code, 0) + 1
                if code == "seats_taken":
                    self._end(operation, "taken", None)
                    return connection
                if status in (404, 410):
                    self._end(operation, "gone", None)
                    return connection
                if status not in (503, 504):
                    operation.result = f"error {status} {code}"
                    operation.returned = time.monotonic()
                    return connection
                time.sleep(0.01)
            except (OSError, http.client.HTTPException):
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.02)
            if self.stopping.is_set() and time.monotonic() > give_up - self.retry_for / 2:
                break
        return connection

    def disagreeing_retries(self, threads=8):
        """Repeats every call that was answered, under its key: what differs from the first outcome, as sentences."""
        answered = [op for op in self.operations if op.result in ("ok", "taken", "gone")]
        problems, lock = [], threading.Lock()

        def repeat(mine):
            connection = http.client.HTTPConnection("127.0.0.1", self.ports[0], timeout=30)
            for op in mine:
                status, answer = send(connection, op, self.event)
                if op.kind == "hold" and op.result == "ok":
                    same = status == 200 and answer["hold"] == op.hold
                else:
                    same = {"ok": status == 204, "taken": status == 409, "gone": status in (404, 410)}[op.result]
                if not same:
                    with lock:
                        problems.append(f"{op.kind} of seat {op.seat} under {op.key} was {op.result} {op.hold}, "
                                        f"the retry got {status} {answer}")
            connection.close()
        workers = [threading.Thread(target=repeat, args=(answered[start::threads],)) for start in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return problems, len(answered)


def send(connection, operation, event):
    """(status, parsed body)."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": operation.key}
    if operation.kind == "hold":
        body = {"event": event, "buyer": operation.who, "seats": [f"#{operation.seat}"], "ttl": 3600}
        connection.request("POST", "/v1/reserve", json.dumps(body), headers)
    else:
        connection.request("DELETE", f"/v1/holds/{operation.hold}", headers=headers)
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if text else None
