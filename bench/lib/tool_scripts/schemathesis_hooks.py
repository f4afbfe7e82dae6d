"""schemathesis likes short values, and would use one Idempotency-Key for everything: then most answers are 422
`idempotency_key_reused`. A key that is valid gets a number of its own; others stay as they are."""

import itertools
import re

import schemathesis

NAME = "Idempotency-Key"
numbers = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get(NAME)
    if isinstance(key, str) and re.fullmatch(r"[!-~]([ -~]{0,253}[!-~])?", key):
        case.headers[NAME] = f"{key[:200]}-{next(numbers)}"
