"""A made-up past of a program: who its members are and what they bought, computed row by row, as lines for COPY.

Every member buys equally often, over a year that ends now. An order is known by its number alone: from it follow its
moment, its member and which of the member's orders it is, so that any table can be written by itself and all of them
agree. The lines are in PostgreSQL's text format.
"""

import math
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Final
from uuid import UUID

from benchmarks.stack import FIRST_CARD
from loyalty_engine.persistence.months import Month, months_from

ORDERS_EACH: Final = 10
STORES: Final = 500
TILLS: Final = 4
_POINTS: Final = 62
_SPEND: Final = 4199
_YEAR: Final = timedelta(days=365)
_YEAR_MILLIS: Final = _YEAR // timedelta(milliseconds=1)
_RANDOM_PART: Final = 0x8000000000000000
_FAR_APART: Final = 618
"""Per thousand of all members: how far apart the members of consecutive orders are."""
_ORDER, _POSTING, _LOT = range(3)

_ORDER_LINES: Final = '[{"number":"1","amount":4199,"quantity":1000000,"sku":"4006381333931","category":"cat1"}]'
_FACTS: Final = '{"member":{"status":"active","orders":%d},"wallets":{"points":%d}}'
_REASONS: Final = '[{"rule":"base","points":41},{"rule":"category_1","points":20,"needed":500,"actual":4199}]'
_ANSWER: Final = (
    '{"currency":"EUR","total":4199,"due":4199,"effects":[{"type":"grant","wallet":"points","points":62}],'
    '"balances":{"points":{"available":%d}}}'
)

Lines = Callable[[int], str]


@dataclass(frozen=True)
class Past:
    """The past of ``members`` members up to ``end``."""

    members: int
    end: datetime

    @property
    def orders(self) -> int:
        """How many orders there are, each with one posting and one lot."""
        return self.members * ORDERS_EACH

    @property
    def months(self) -> list[Month]:
        """The months that the past touches."""
        first = self.end - _YEAR
        return [month for month in months_from(first, 14) if month.first_id <= _id_at(self.end)]

    def numbers_of(self, month: Month) -> range:
        """Return the numbers of a month's orders."""
        numbers = range(self.orders)
        first, last = (
            bisect_left(numbers, bound.int >> 80, key=self._millis) for bound in (month.first_id, month.next.first_id)
        )
        return range(first, last)

    @cached_property
    def _stride(self) -> int:
        stride = self.members * _FAR_APART // 1000 | 1
        while math.gcd(stride, self.members) > 1:
            stride += 2
        return stride

    @cached_property
    def _back(self) -> int:
        return pow(self._stride, -1, self.members)

    @cached_property
    def _begin_millis(self) -> int:
        return int((self.end - _YEAR).timestamp() * 1000)

    def _millis(self, number: int) -> int:
        return self._begin_millis + number * _YEAR_MILLIS // (self.members * ORDERS_EACH)

    def _moment(self, number: int) -> str:
        return _minute((self._begin_millis + number * _YEAR_MILLIS // (self.members * ORDERS_EACH)) // 60_000)

    def _id(self, number: int, kind: int) -> str:
        millis = self._begin_millis + number * _YEAR_MILLIS // (self.members * ORDERS_EACH)
        return f"{millis:012x}7000{_RANDOM_PART + number * 4 + kind:016x}"

    def _buyer(self, number: int) -> tuple[str, int]:
        """Return who placed an order, and which of the member's orders it is, from 1."""
        turn, place = divmod(number, self.members)
        return self._member((place * self._stride + turn) % self.members), turn + 1

    def _member(self, index: int) -> str:
        """Return a member's id: they enrolled one after the other, just before the first order."""
        return f"{self._begin_millis - self.members + index:012x}7000{_RANDOM_PART + index:016x}"

    def operation(self, number: int) -> str:
        (member, _), moment, order = self._buyer(number), self._moment(number), self._id(number, _ORDER)
        store, till = till_of(number)
        return f"1\t{order}\torder\t{member}\t{order}\t1\t{store}\t{till}\t{moment}\t{moment}\t1\n"

    def operation_detail(self, number: int) -> str:
        turn = self._buyer(number)[1]
        facts, answer = _FACTS % (turn - 1, (turn - 1) * _POINTS), _ANSWER % (turn * _POINTS)
        return f"1\t{self._id(number, _ORDER)}\t{facts}\t{_REASONS}\t{answer}\n"

    def order(self, number: int) -> str:
        store, till = till_of(number)
        day = self._moment(number)[:10]
        rest = f'{{"reference":{{"location":"{store}","till":"{till}","business_date":"{day}","number":"{number}","type":"sale"}}}}'
        return (
            f"1\t{self._id(number, _ORDER)}\t{self._buyer(number)[0]}\t{self._moment(number)}\tEUR\t{_SPEND}\t0\t0\tpos\t{store}\t"
            f"{_ORDER_LINES}\t{rest}\n"
        )

    def order_key(self, number: int) -> str:
        store, till = till_of(number)
        key = f"receipt|{store}|{till}|{self._moment(number)[:10]}|sale|{number}"
        return f"1\t{key}\t{self._id(number, _ORDER)}\t\\\\x{number:032x}\n"

    def posting(self, number: int) -> str:
        member, turn = self._buyer(number)
        return (
            f"1\t{member}\t{turn}\t{self._id(number, _POSTING)}\t{self._id(number, _ORDER)}\tpoints\tissued\tavailable\t"
            f"{_POINTS}\t{self._id(number, _LOT)}\t{turn * _POINTS}\t0\t0\t0\n"
        )

    def lot(self, number: int) -> str:
        moment = self._moment(number)
        return (
            f"1\t{self._id(number, _LOT)}\t{self._buyer(number)[0]}\tpoints\t{_POINTS}\t{_POINTS}\t{moment}\t{moment}\t"
            f"program\t1000000\t{self._id(number, _ORDER)}\n"
        )

    def idempotency(self, number: int) -> str:
        store, till = till_of(number)
        return f"1\t1\t{store}/{till}\t{random_key()}\t{self._id(number, _ORDER)}\tf\t\\\\x{number:032x}\n"

    def member(self, index: int) -> str:
        first, last = (self._moment(self._number(index, turn)) for turn in (0, ORDERS_EACH - 1))
        spend = _SPEND * ORDERS_EACH
        return (
            f"1\t{self._member(index)}\t{ORDERS_EACH}\t{ORDERS_EACH}\tactive\t{last}\t{ORDERS_EACH}\t{spend}\t{first}\t{last}\t"
            f"{first}\n"
        )

    def member_identity(self, index: int) -> str:
        return f"1\tcard:{FIRST_CARD + 1 + index}\t{self._member(index)}\n"

    def balance(self, index: int) -> str:
        return f"1\t{self._member(index)}\tpoints\t{ORDERS_EACH * _POINTS}\t0\t0\t0\n"

    def _number(self, index: int, turn: int) -> int:
        """Return the number of a member's order: what :meth:`_buyer` undoes."""
        return turn * self.members + (index - turn) * self._back % self.members


COLUMNS: Final = {
    "operation": "program_id id kind member_id order_id client_id location till effective_at booked_at revision",
    "operation_detail": "program_id id facts reasons answer",
    "order": "program_id id member_id placed_at currency goods_total shipping paid_with_points channel location lines rest",
    "order_key": "program_id natural_key order_id request_hash",
    "posting": "program_id member_id seq id operation_id wallet source destination amount lot_id available pending held debt",
    "lot": "program_id id member_id wallet amount remaining earned_at available_at funder cost_micros operation_id",
    "idempotency": "program_id client_id scope key outcome_id is_refusal request_hash",
    "member": "program_id id version seq status booked_at orders spend first_order_at last_order_at enrolled_at",
    "member_identity": "program_id identity member_id",
    "balance": "program_id member_id wallet available pending held debt",
}
"""What the lines of each table hold; the rest has its default."""

BY_MONTH: Final = ("operation", "operation_detail", "order", "posting")
BY_ORDER: Final = ("lot", "idempotency", "order_key")
BY_MEMBER: Final = ("member", "member_identity", "balance")


def random_key() -> str:
    """Return an idempotency key as most clients make them: a random UUID."""
    return str(UUID(int=random.getrandbits(128), version=4))


def till_of(number: int) -> tuple[str, str]:
    """Return the store and the till of a number; neighbours are in different stores."""
    return f"store-{number % STORES}", str(number // STORES % TILLS + 1)


def chunks(lines: Lines, numbers: range, size: int = 2_000) -> Iterator[bytes]:
    """Yield the lines of these numbers in pieces for COPY."""
    for start in range(numbers.start, numbers.stop, size):
        yield "".join(map(lines, range(start, min(start + size, numbers.stop)))).encode()


@lru_cache(maxsize=16)
def _minute(minutes: int) -> str:
    return f"{datetime.fromtimestamp(minutes * 60, UTC):%Y-%m-%dT%H:%MZ}"


def _id_at(moment: datetime) -> UUID:
    return UUID(int=int(moment.timestamp() * 1000) << 80)
