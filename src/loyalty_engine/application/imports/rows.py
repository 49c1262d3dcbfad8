"""Rows: what stands in a file, once its form is proven, and what is wrong with those where it is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from loyalty_engine.core.engine.requests import MemberRef, Profile
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.kernel.refusals import Refusal
from loyalty_engine.core.points.opening import OpeningLot
from loyalty_engine.core.rules.order import Order

Kind = Literal["members", "lots", "orders", "codes"]


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as the file has it. ``digest`` tells its lots from other ones."""

    identities: tuple[Identity, ...]
    profile: Profile
    enrolled_at: datetime | None
    lots: tuple[OpeningLot, ...]
    digest: bytes


@dataclass(frozen=True, slots=True)
class LotRow:
    """Points of a member; ``reference`` tells them from its other ones in that wallet, in whichever file they stand."""

    member: MemberRef
    named: str
    lot: OpeningLot
    reference: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A past order; ``digest`` is that of the same order sent over HTTP."""

    member: MemberRef | None
    order: Order
    digest: bytes


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A promo code or a voucher that came from elsewhere; ``shown`` is how people read it."""

    code: FoldedCode
    shown: str


EngineRow = MemberRow | LotRow | OrderRow
"""What the engine decides."""

Row = EngineRow | CodeRow


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row was not taken. Its content is not repeated: it may be personal."""

    line: int
    code: str
    pointer: str
    message: str


class RowError(Exception):
    """A row does not have the form that its kind demands."""

    def __init__(self, code: str, message: str, pointer: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.pointer = pointer

    def at(self, line: int) -> Fault:
        """Return the fault of that line."""
        return Fault(line, self.code, self.pointer, self.message)


class Forms(Protocol):
    """The forms of rows: the same strict ones as those of request bodies. All raise :class:`RowError`."""

    def read_json(self, kind: Kind, raw: bytes) -> Row:
        """Return the row that a JSON object holds."""

    def read_value(self, kind: Kind, value: Mapping[str, Any]) -> Row:
        """Return the row that a parsed object holds."""

    def explain(self, refusal: Refusal) -> str:
        """Return a refusal in words."""
