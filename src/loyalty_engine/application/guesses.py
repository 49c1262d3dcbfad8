"""Guesses: promo codes that nobody knows, tried by one buyer or through one API client. Too many, and they have to wait.

Each process counts for itself, so over several of them a guesser gets as many more tries; what is exact, limits of codes, is
in the database. Only codes that turn out to be unknown count, and only for callers who may not know which exist.
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final, TypeVar

import orjson

from loyalty_engine.application.clocks import Clock
from loyalty_engine.application.executor import Caller, Outcome
from loyalty_engine.core.engine.requests import EvaluateOrder, PlaceOrder, ReserveOrder

Done = TypeVar("Done")

Cart = PlaceOrder | EvaluateOrder | ReserveOrder

WINDOW: Final = timedelta(minutes=10)
_MANY: Final = 10_000
"""From so many on, those who guess are sorted out who have not done so lately."""


class TooManyGuessesError(Exception):
    """Nobody was asked: too many codes were unknown lately."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class Guesses:
    """Who guessed how often; ``clock`` tells real time. Tries come back one by one, all of them in ten minutes."""

    def __init__(self, clock: Clock, *, per_buyer: int, per_client: int) -> None:
        self._clock = clock
        self._buyers = _Tries(per_buyer)
        self._clients = _Tries(per_client)

    async def watch(self, caller: Caller, carts: Sequence[Cart], ask: Callable[[], Awaitable[Done]]) -> Done:
        """Ask, and count the codes of ``carts`` that the outcomes call unknown.

        Who asks for many at once may be told of more than there are tries, and waits the longer for the next one; whoever
        sells much at once is not held up. Raises :class:`TooManyGuessesError`.
        """
        guessing = [cart for cart in carts if cart.codes.typed and not cart.codes.is_trusted]
        if not guessing:
            return await ask()
        now = self._clock()
        wait = max(tries.wait(key, now) for cart in guessing for tries, key in self._tries(caller, cart))
        if wait > timedelta(0):
            raise TooManyGuessesError(ceil(wait.total_seconds()))
        done = await ask()
        missed = {code for outcome in _outcomes(done) for code in _missed(outcome)}
        if missed:
            for cart in guessing:
                count = sum(cart.codes.text_of(code) in missed for code in cart.codes.typed)
                for tries, key in self._tries(caller, cart):
                    tries.take(key, now, count)
        return done

    def _tries(self, caller: Caller, cart: Cart) -> "list[tuple[_Tries, Hashable]]":
        """Return where a cart's codes count: with the client, and with the buyer, or the place, if that is known."""
        client = caller.program_id, caller.client_id
        buyer = cart.member or cart.codes.guest or cart.order.location
        whole: list[tuple[_Tries, Hashable]] = [(self._clients, client)]
        return whole if buyer is None else [*whole, (self._buyers, (*client, buyer))]


class _Tries:
    """So many tries in each window, for everybody alike. What is kept is when the tries taken will all be back."""

    def __init__(self, most: int) -> None:
        self._step = WINDOW / most
        self._back: dict[Hashable, datetime] = {}

    def wait(self, key: Hashable, now: datetime) -> timedelta:
        """Return how long it takes until there is a try left; not more than nothing: there is one."""
        return self._back.get(key, now) - now - (WINDOW - self._step)

    def take(self, key: Hashable, now: datetime, count: int) -> None:
        if len(self._back) >= _MANY:
            self._back = {other: back for other, back in self._back.items() if back > now}
        self._back[key] = max(self._back.get(key, now), now) + count * self._step


def _outcomes(done: object) -> list[Outcome]:
    found = done if isinstance(done, list) else [done]
    return [outcome for outcome in found if isinstance(outcome, Outcome)]


def _missed(outcome: Outcome) -> list[str]:
    """Return the codes that an outcome calls unknown; one that was told before tells nothing new."""
    if outcome.is_replayed:
        return []
    answer: dict[str, Any] = orjson.loads(outcome.answer)
    told = answer.get("details", {}) if outcome.refusal_code is not None else answer
    return [code["code"] for code in told.get("codes", ()) if code["reason"] == "unknown"]
