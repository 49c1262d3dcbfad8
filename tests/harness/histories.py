"""A history: every request with its key, its body and each answer that its caller ever got, or did not get."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import orjson

from tests.harness.api import Api, fresh

Json = dict[str, Any]

UNKNOWN: Final = 500
"""From this status on, and without any answer, a caller does not know what became of its request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the very bytes; ``is_replayed`` is what the header says."""

    status: int
    content: bytes
    is_replayed: bool = False

    @property
    def is_known(self) -> bool:
        """Whether it settles the matter."""
        return self.status < UNKNOWN

    @property
    def is_accepted(self) -> bool:
        """Whether the request became an operation."""
        return self.status < 300


@dataclass(slots=True)
class Entry:
    """One request, sent once or several times. ``answers`` has None for each that never came."""

    path: str
    body: Json
    key: str = field(default_factory=lambda: fresh("k"))
    answers: list[Answer | None] = field(default_factory=list)

    @property
    def outcome(self) -> Answer | None:
        """The first answer that settled the matter; None as long as nobody knows."""
        return next((answer for answer in self.answers if answer is not None and answer.is_known), None)

    @property
    def was_in_doubt(self) -> bool:
        """Whether its caller was ever left without an outcome."""
        return any(answer is None or not answer.is_known for answer in self.answers)

    @property
    def contradicts_itself(self) -> bool:
        """Whether it was told two different outcomes."""
        known = {(answer.status, answer.content) for answer in self.answers if answer is not None and answer.is_known}
        return len(known) > 1


@dataclass(slots=True)
class History:
    """All that callers sent and what they were told. ``bundles`` are orders that share one fate."""

    api: Api
    entries: list[Entry] = field(default_factory=list)
    bundles: list[list[Entry]] = field(default_factory=list)

    async def send(self, path: str, body: Json) -> Entry:
        """Send a request under a fresh key."""
        entry = Entry(path, body)
        self.entries.append(entry)
        await self.repeat(entry)
        return entry

    async def send_batch(self, orders: Sequence[Json], *, all_or_nothing: bool) -> list[Entry]:
        """Send orders together, each under a key of its own as if it went alone: that is how it may be repeated."""
        entries = [Entry("/orders", order) for order in orders]
        self.entries += entries
        if all_or_nothing:
            self.bundles.append(entries)
        listed = [{**entry.body, "idempotency_key": entry.key} for entry in entries]
        body = {"orders": listed, "all_or_nothing": all_or_nothing}
        answers: list[Answer | None] = [None] * len(entries)
        with contextlib.suppress(httpx.TransportError):
            response = await self.api.send("POST", "/orders/batch", body=body)
            if response.status_code == httpx.codes.OK:
                answers = [_answer_within(result) for result in response.json()["results"]]
        for entry, answer in zip(entries, answers, strict=True):
            entry.answers.append(answer)
        return entries

    async def repeat(self, entry: Entry) -> Answer | None:
        """Send a request, again if it was sent before, and keep what its caller hears."""
        try:
            response = await self.api.post(entry.path, entry.body, key=entry.key)
        except httpx.TransportError:
            answer = None
        else:
            answer = Answer(response.status_code, response.content, "idempotent-replayed" in response.headers)
        entry.answers.append(answer)
        return answer

    def count(self) -> Counter[str]:
        """Count what callers were told, by its kind."""
        counts: Counter[str] = Counter(requests=len(self.entries))
        for entry in self.entries:
            outcome = entry.outcome
            counts["ambiguous"] += entry.was_in_doubt
            counts["repeats"] += len(entry.answers) - 1
            counts["replays"] += sum(1 for answer in entry.answers if answer is not None and answer.is_replayed)
            if outcome is None:
                counts["unresolved"] += 1
            else:
                counts["acknowledged" if outcome.is_accepted else "refused"] += 1
        return counts


def _answer_within(result: Json) -> Answer:
    """Return what a batch says of one order as the answer that it would have got alone."""
    return Answer(result["status"], orjson.dumps(result["body"]), result["replayed"])
