"""Many callers at once, and callers that do not give up before they know the outcome."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, ParamSpec, TypeVar

import httpx

T = TypeVar("T")
Arguments = ParamSpec("Arguments")

IS_FULL: Final = os.environ.get("LOYALTY_PROMISES") == "full"
"""Whether the promises are proven at their full sizes."""

_PATIENCE_SECONDS: Final = 120.0
UNKNOWN: Final = "the outcome stayed unknown"
_FIRST_DELAY_SECONDS: Final = 0.05
_LONGEST_DELAY_SECONDS: Final = 1.0


def size(small: int, full: int) -> int:
    """Return how often something is tried: few by default, as the promise says under ``make promises``."""
    return full if IS_FULL else small


def is_known(response: httpx.Response) -> bool:
    """Tell whether an answer settles the matter: below 500 it does."""
    return response.status_code < 500


async def insist(
    act: Callable[Arguments, Awaitable[httpx.Response]], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> httpx.Response:
    """Do the same again, ever later as a good client does, until its outcome is known. ``kwargs`` need a given key."""
    deadline, delay = time.monotonic() + _PATIENCE_SECONDS, _FIRST_DELAY_SECONDS
    while True:
        try:
            response = await act(*args, **kwargs)
        except httpx.TransportError:
            response = None
        if response is not None and is_known(response):
            return response
        assert time.monotonic() < deadline, UNKNOWN
        await asyncio.sleep(delay)
        delay = min(2 * delay, _LONGEST_DELAY_SECONDS)


async def together(acts: Iterable[Awaitable[T]]) -> list[T]:
    """Do everything at once and return all results."""
    return list(await asyncio.gather(*acts))


async def in_crowd(acts: Sequence[Callable[[], Awaitable[T]]], *, people: int = 16) -> list[T]:
    """Do everything, ``people`` at a time, in the order given; return the results in that order."""
    results: list[T | None] = [None] * len(acts)
    waiting = iter(enumerate(acts))

    async def work() -> None:
        for position, act in waiting:
            results[position] = await act()

    await asyncio.gather(*(work() for _ in range(people)))
    return results  # type: ignore[return-value]  # every place was filled


def shuffled(items: Iterable[T], *, seed: int) -> list[T]:
    """Return the items in another order, the same one every time."""
    mixed = list(items)
    random.Random(seed).shuffle(mixed)
    return mixed
