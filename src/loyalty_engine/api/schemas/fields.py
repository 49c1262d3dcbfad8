"""Fields that many bodies share: each parses strictly to the core's own type and describes itself for OpenAPI."""

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Annotated, Final, Literal, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from loyalty_engine.core.engine.requests import MemberRef
from loyalty_engine.core.kernel.amounts import MAX_AMOUNT, MAX_BALANCE
from loyalty_engine.core.kernel.identities import Identity, InvalidIdentityError, parse_identity
from loyalty_engine.core.kernel.ids import InvalidIdError, read_id
from loyalty_engine.core.kernel.instants import parse_day, parse_instant
from loyalty_engine.core.kernel.quantities import SCALE, parse_quantity
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.rules.order import Scalar

T = TypeVar("T")


class Body(BaseModel):
    """A request body or a part of one: strict types, no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Answer(BaseModel):
    """An answer or a part of one."""

    model_config = ConfigDict(frozen=True)


_LONGEST_TEXT: Final = 500


def _parse_text(parse: Callable[[str], T], code: str, message: str) -> Callable[[object], T]:
    def validate(value: object) -> T:
        if isinstance(value, str):
            try:
                return parse(value)
            except ValueError:
                pass
        raise PydanticCustomError(code, message)

    return validate


def parse_member_ref(text: str) -> MemberRef:
    """Return the member that ``mem_…`` or ``kind:value`` names; raise ``ValueError`` otherwise."""
    return read_id("mem", text) if text.startswith("mem_") else parse_identity(text)


def _parse_quantity(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9:
        return value * SCALE
    if isinstance(value, str):
        try:
            return parse_quantity(value)
        except ValueError:
            pass
    raise PydanticCustomError("quantity", "must be a whole number or a decimal text such as 1.25, at least 0")


def _check_scalar(value: object) -> Scalar:
    if isinstance(value, str) and len(value) <= _LONGEST_TEXT:
        return value
    if isinstance(value, int) and abs(value) <= MAX_BALANCE:
        return value
    raise PydanticCustomError("attribute", "must be true, false, a whole number or a text of at most 500 characters")


def _check_wish(value: object) -> int | Literal["max"]:
    """Not a union of types, because its faults would point into types that the caller never wrote."""
    if value == "max":
        return "max"
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_AMOUNT:
        return value
    raise PydanticCustomError("points", "must be a whole number of at least 1, or max")


assert issubclass(InvalidIdentityError, ValueError)
assert issubclass(InvalidIdError, ValueError)

MemberField = Annotated[
    MemberRef,
    PlainValidator(
        _parse_text(parse_member_ref, "member", "must be mem_…, card:…, ext:…, email:… or phone:+… in its form")
    ),
    WithJsonSchema({"type": "string", "maxLength": 260}),
    Field(description="A member by our id or by an identity.", examples=["card:2000012345"]),
]

OrderIdField = Annotated[
    UUID,
    PlainValidator(_parse_text(partial(read_id, "ord"), "id", "must be an id such as ord_…")),
    WithJsonSchema({"type": "string", "pattern": "^ord_[0-9a-hjkmnp-tv-z]{26}$"}),
]

ReservationIdField = Annotated[
    UUID,
    PlainValidator(_parse_text(partial(read_id, "res"), "id", "must be an id such as res_…")),
    WithJsonSchema({"type": "string", "pattern": "^res_[0-9a-hjkmnp-tv-z]{26}$"}),
]

IdentityField = Annotated[
    Identity,
    PlainValidator(_parse_text(parse_identity, "identity", "must be card:…, ext:…, email:… or phone:+… in its form")),
    WithJsonSchema({"type": "string", "maxLength": 260}),
]

InstantField = Annotated[
    datetime,
    PlainValidator(_parse_text(parse_instant, "instant", "must be an RFC 3339 instant with an offset")),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]

DayField = Annotated[
    date,
    PlainValidator(_parse_text(parse_day, "day", "must be a day such as 2026-11-21")),
    WithJsonSchema({"type": "string", "format": "date"}),
]

QuantityField = Annotated[
    int,
    PlainValidator(_parse_quantity),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d{1,10}(\.\d{1,6})?$"}]}
    ),
]

ScalarField = Annotated[
    Scalar,
    PlainValidator(_check_scalar),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "maxLength": _LONGEST_TEXT}, {"type": "integer"}, {"type": "boolean"}]}
    ),
]

Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
Points = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
PointsOrMax = Annotated[
    int | Literal["max"],
    PlainValidator(_check_wish),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT}, {"const": "max"}]}),
]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=128)]
ReasonCode = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,62}$")]
Attributes = Annotated[dict[Code, ScalarField], Field(max_length=100)]


class BalanceAnswer(Answer):
    """A member's amounts in one wallet."""

    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    available: int = Field(description="What can be spent now.", examples=[120])
    pending: int = Field(description="What was earned and becomes spendable later.", examples=[0])
    held: int = Field(description="What is set aside.", examples=[0])
    debt: int = Field(description="What is owed; later earnings pay it first.", examples=[0])

    @classmethod
    def of(cls, wallet: str, balance: Balance) -> Self:
        """Show a balance."""
        return cls(
            wallet=wallet,
            available=balance.available,
            pending=balance.pending,
            held=balance.held,
            debt=balance.debt,
        )


class OperationHead(Answer):
    """What every accepted operation answers."""

    operation_id: str = Field(description="The accepted operation.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    member_id: str | None = Field(description="Its member, if any.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    revision: int = Field(description="The program's revision that decided.", examples=[3])
    effective_at: str = Field(description="When it happened.", examples=["2026-11-21T10:15:00Z"])
    booked_at: str = Field(description="When it was accepted.", examples=["2026-11-21T10:15:02.120000Z"])
