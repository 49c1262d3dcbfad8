"""Guesses: codes that nobody knows, tried by one buyer or through one API client. Too many, and they have to wait.

Each process counts for itself, so over several of them a guesser gets as many more tries; what is exact, limits of codes, is
in the database. Only callers who may not know which codes exist are counted: their codes that turn out to be unknown, and all
those of a cart whose answer does not tell what became of them, as what it says instead may depend on them. Codes of advocates
count like promo codes, but only where they are told to be unknown.
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final, TypeVar

import orjson

from loyalty_engine.application.clocks import Clock
from loyalty_engine.application.executor import Caller, Outcome
from loyalty_engine.core.engine.referral_requests import RegisterReferral
from loyalty_engine.core.engine.requests import EvaluateOrder, PlaceOrder, ReserveOrder
from loyalty_engine.core.kernel.refusals import RefusalCode

Done = TypeVar("Done")

Cart = PlaceOrder | EvaluateOrder | ReserveOrder
Guess = Cart | RegisterReferral
"""What may bring codes along."""

WINDOW: Final = timedelta(minutes=10)
_LONGEST: Final = 2 * WINDOW
"""After so long all tries are back, however many were taken."""
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

    async def watch(self, caller: Caller, carts: Sequence[Guess], ask: Callable[[], Awaitable[Done]]) -> Done:
        """Ask, and count the codes of ``carts`` of which the outcomes, one for each cart in its order, do not say that they exist.

        What failed, was told before or waits for a review tells nothing of codes, and does not count. Tries are taken when
        the answer is there, so that whoever sells much at once is not held up. A burst may thus be told of more codes than
        there are tries, of all that are under way together; after it the next try is there at the latest after a window and
        the share of one try, and all of them after two windows: what was tried beyond that is not paid for. Carts with neither
        member nor guest count for the client alone. Raises :class:`TooManyGuessesError`.
        """
        guessing = [cart for cart in carts if is_guessing(cart)]
        if not guessing:
            return await ask()
        now = self._clock()
        wait = max(tries.wait(key, now) for cart in guessing for tries, key in self._tries(caller, cart))
        if wait > timedelta(0):
            raise TooManyGuessesError(ceil(wait.total_seconds()))
        done = await ask()
        for cart, outcome in zip(carts, done if isinstance(done, list) else [done], strict=True):
            count = _count_guesses(cart, outcome)
            if count:
                for tries, key in self._tries(caller, cart):
                    tries.take(key, now, count)
        return done

    def _tries(self, caller: Caller, cart: Guess) -> "list[tuple[_Tries, Hashable]]":
        """Return where a cart's codes count: with the client, and with the buyer if that is known."""
        client = caller.program_id, caller.client_id
        buyer = cart.member if isinstance(cart, RegisterReferral) else cart.member or cart.codes.guest
        whole: list[tuple[_Tries, Hashable]] = [(self._clients, client)]
        return whole if buyer is None else [*whole, (self._buyers, (*client, buyer))]


class _Tries:
    """So many tries in each window, for everybody alike. What is kept is when the tries taken will all be back: after two
    windows at the latest.
    """

    def __init__(self, most: int) -> None:
        self._step = WINDOW / most
        self._back: dict[Hashable, datetime] = {}

    def wait(self, key: Hashable, now: datetime) -> timedelta:
        """Return how long it takes until there is a try left; not more than nothing: there is one."""
        return self._back.get(key, now) - now - (WINDOW - self._step)

    def take(self, key: Hashable, now: datetime, count: int) -> None:
        if len(self._back) >= _MANY:
            self._back = {other: back for other, back in self._back.items() if back > now}
        back = max(self._back.get(key, now), now) + count * self._step
        self._back[key] = min(back, now + _LONGEST)


def is_guessing(cart: Guess) -> bool:
    """Tell whether codes come along of which the caller may not know that they exist."""
    if isinstance(cart, RegisterReferral):
        return not cart.is_trusted
    return _has_codes(cart) or (cart.brought is not None and not cart.brought.is_trusted)


def _has_codes(cart: Cart) -> bool:
    return bool(cart.codes.typed) and not cart.codes.is_trusted


def _count_guesses(cart: Guess, outcome: object) -> int:
    """Return how many codes its outcome calls unknown, or leaves untold where they might have been judged.

    One that was told before tells nothing new; the codes of an order that waits for a review were not judged yet.
    """
    if not is_guessing(cart) or not isinstance(outcome, Outcome) or outcome.is_replayed:
        return 0
    answer: dict[str, Any] = orjson.loads(outcome.answer)
    if isinstance(cart, RegisterReferral):
        return int(outcome.refusal_code == RefusalCode.REFERRAL_CODE_NOT_FOUND)
    told_of_friend = answer.get("referral") or {}
    is_unknown = told_of_friend.get("refused") == RefusalCode.REFERRAL_CODE_NOT_FOUND
    is_counted = is_unknown and cart.brought is not None and not cart.brought.is_trusted
    return int(is_counted) + (_count_codes(cart, outcome, answer) if _has_codes(cart) else 0)


def _count_codes(cart: Cart, outcome: Outcome, answer: dict[str, Any]) -> int:
    """Return the same for the promo codes of a cart."""
    told = answer.get("details", {}) if outcome.refusal_code is not None else answer
    reasons = {code["code"]: code["reason"] for code in told.get("codes", ())}
    # Only the codes that give nothing are told where they are why an order is refused: the others are good.
    untold = "used" if outcome.refusal_code == RefusalCode.PROMO_CODE_REFUSED else "unknown"
    return sum(reasons.get(cart.codes.text_of(code), untold) == "unknown" for code in cart.codes.typed)
