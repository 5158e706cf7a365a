"""A proxy before DynamoDB that adds up what is billed: every request is sent on with `ReturnConsumedCapacity`, and the
answer's units are counted as reads or as writes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import Iterator

import replay

READS = {"Query", "GetItem", "BatchGetItem", "TransactGetItems", "Scan"}


@dataclasses.dataclass(frozen=True)
class Units:
    """Request units; `refused` are failed conditions, which are billed like the write that they prevented."""

    reads: float = 0.0
    writes: float = 0.0
    requests: int = 0
    refused: int = 0

    def __sub__(self, other: Units) -> Units:
        return Units(*(a - b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)))

    def __add__(self, other: Units) -> Units:
        return Units(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)))


class _Handler(replay._Handler):  # noqa: SLF001  one server, told in two files
    def answer(self, body: bytes):
        operation = self.headers.get("X-Amz-Target", "").split(".")[-1]
        question = json.loads(body)
        status, headers, content = self.ask(json.dumps({**question, "ReturnConsumedCapacity": "TOTAL"}).encode())
        consumed = json.loads(content).get("ConsumedCapacity") or []
        units = sum(each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed]))
        refused = 0
        if status == 400 and operation not in READS:
            # Nothing is said of units: one of each item, twice in a transaction. The items here are below 1 KB or few.
            refused, units = 1, 2.0 * len(question["TransactItems"]) if "TransactItems" in question else 1.0
        with self.server.lock:
            self.server.units += Units(units, 0.0, 1) if operation in READS else Units(0.0, units, 1, refused)
        return status, headers, content


@contextlib.contextmanager
def meter(behind: str) -> Iterator[replay._Server]:
    """Gives a server with its `url`, and with the `units` that went through it."""
    with replay.proxy(behind, _Handler) as server:
        server.lock, server.units = threading.Lock(), Units()
        yield server
