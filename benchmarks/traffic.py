"""The requests that the benchmarks send: receipts of five lines, redemptions, evaluations."""

import itertools
import json
import os
import random
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.load import request_bytes
from benchmarks.stack import FIRST_CARD, MEMBERS

LINES: Final = (
    '[{"sku":"4006381333931","category":"cat1","amount":1899,"quantity":"1.5"},'
    '{"sku":"4006381333948","category":"bread","amount":250},'
    '{"sku":"4006381333955","category":"dairy","amount":750},'
    '{"sku":"4006381333962","category":"cat7","amount":50},'
    '{"sku":"4006381333979","category":"cat7","amount":1250}]'
)
_RUN: Final = os.urandom(4).hex()
_NUMBERS: Final = itertools.count()


def receipts(
    token: str, *, members: int = MEMBERS, codes: Callable[[int], Sequence[str]] | None = None
) -> Callable[[], bytes]:
    """Return a maker of receipts, each new, of members drawn from the first ``members``.

    ``codes`` gives the promo codes of each, which are counted from 0.
    """
    counted = itertools.count()
    typed = None if codes is None else lambda: codes(next(counted))
    return _maker("POST", "/v1/orders", token, members, is_keyed=True, codes=typed)


def evaluations(token: str) -> Callable[[], bytes]:
    """Return a maker of evaluations of the same carts."""
    return _maker("POST", "/v1/evaluations", token, MEMBERS, is_keyed=False)


def redemptions(token: str) -> Callable[[], bytes]:
    """Return a maker of redemptions of a few points."""

    def make() -> bytes:
        number = next(_NUMBERS)
        body = f'{{"member":"card:{_card(MEMBERS)}","wallet":"points","points":10}}'
        return request_bytes("POST", "/v1/redemptions", token=token, body=body.encode(), key=f"{_RUN}-r-{number}")

    return make


def _maker(
    method: str,
    path: str,
    token: str,
    members: int,
    *,
    is_keyed: bool,
    codes: Callable[[], Sequence[str]] | None = None,
) -> Callable[[], bytes]:
    def make() -> bytes:
        number = next(_NUMBERS)
        typed = "" if codes is None else f'"codes":{json.dumps(codes())},'
        body = (
            f'{{"receipt":{{"location":"berlin-1","till":"3","business_date":"2026-11-21","number":"{_RUN}-{number}"}},'
            f'"member":"card:{_card(members)}","placed_at":"2026-11-21T10:15:00+01:00","currency":"EUR",'
            f'"channel":"pos",{typed}"lines":{LINES}}}'
        )
        return request_bytes(
            method, path, token=token, body=body.encode(), key=f"{_RUN}-o-{number}" if is_keyed else None
        )

    return make


def _card(members: int) -> int:
    return FIRST_CARD + 1 + random.randrange(members)
