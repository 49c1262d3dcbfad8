"""The condition tree as people write it: ``all``, ``any``, ``not``, comparisons of facts, comparisons over lines.

A kind of node is known by the field that only it has. A new kind is one model here, one case in
``condition_checks.py`` and one in ``rules/conditions.py``; the type checker names every place that forgot it.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.core.program.facts import Operator
from loyalty_engine.core.program.fields import Choice, Decimal, Entry, Key, Text, Texts, Value, Values, Whole

MAX_HISTORY_DAYS: Final = 3_660
MAX_BIRTHDAY_DAYS: Final = 60

Number = TypeVar("Number", int, int | str)
Comparand = bool | int | str | tuple[bool | int | str, ...]
"""What may stand right of an operator, as written."""

_COMPARED: Final = (
    *("is_", "is_not", "in_", "not_in", "at_least", "more_than", "at_most", "less_than", "exists"),
    *("includes", "excludes"),
)
_MEASURES: Final = ("count", "quantity", "amount", "sum")
_PAST_MEASURES: Final = ("orders", "spend", "quantity", "days_since_last")


def _single(entry: Entry, names: tuple[str, ...], what: str) -> str:
    """Return the one of ``names`` that ``entry`` sets; anything but exactly one is a fault of the document."""
    fields = vars(entry)  # asking a model for a field that it does not have is 20 times slower
    given = [name for name in names if fields.get(name) is not None]
    if len(given) != 1:
        raise PydanticCustomError("not_exactly_one", "needs exactly one {what}", {"what": what})
    return given[0]


class Comparison(Entry):
    """Exactly one operator with what it compares with."""

    @property
    def operator(self) -> Operator:
        """The operator as written, such as ``is`` or ``at_least``."""
        return _single(self, _COMPARED, "operator").rstrip("_")  # type: ignore[return-value]  # names are the operators

    @property
    def comparand(self) -> Comparand:
        """What stands right of the operator, as written."""
        found: Comparand = getattr(self, _single(self, _COMPARED, "operator"))
        return found

    @model_validator(mode="after")
    def _has_one_operator(self) -> "Comparison":
        _single(self, _COMPARED, "operator")
        return self


class FactComparison(Comparison):
    """One fact compared with a value. An absent fact fails all but ``is_not``, ``not_in`` and ``exists: false``."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 2, "maxProperties": 2})

    fact: Text = Field(description="Name of the fact.", examples=["order.total"])
    is_: Value | None = Field(default=None, alias="is", description="Equals.", examples=["web"])
    is_not: Value | None = Field(default=None, description="Differs, or is absent.", examples=["web"])
    in_: Values | None = Field(default=None, alias="in", description="Is one of.", examples=[["web", "app"]])
    not_in: Values | None = Field(default=None, description="Is none of, or is absent.", examples=[["web", "app"]])
    at_least: Value | None = Field(default=None, description="Is this or more.", examples=[2000])
    more_than: Value | None = Field(default=None, description="Is more.", examples=[2000])
    at_most: Value | None = Field(default=None, description="Is this or less.", examples=[2000])
    less_than: Value | None = Field(default=None, description="Is less.", examples=[2000])
    exists: bool | None = Field(default=None, description="Whether the fact must be known or absent.", examples=[True])
    includes: Choice | None = Field(
        default=None, description="For facts that are several texts: at least one of these.", examples=[["card"]]
    )
    excludes: Choice | None = Field(
        default=None, description="For facts that are several texts: none of these.", examples=["voucher"]
    )


class NumberComparison(Comparison, Generic[Number]):
    """A number compared with another: exactly one operator."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    is_: Number | None = Field(default=None, alias="is", description="Equals.", examples=[2])
    is_not: Number | None = Field(default=None, description="Differs.", examples=[2])
    at_least: Number | None = Field(default=None, description="Is this or more.", examples=[2])
    more_than: Number | None = Field(default=None, description="Is more.", examples=[2])
    at_most: Number | None = Field(default=None, description="Is this or less.", examples=[2])
    less_than: Number | None = Field(default=None, description="Is less.", examples=[2])


class WholeComparison(NumberComparison[Whole]):
    """A whole number compared with another: exactly one operator."""


class QuantityComparison(NumberComparison[Decimal]):
    """A quantity of goods compared with another, written as 2 or "1.25": exactly one operator."""


class LineFilter(Entry):
    """Lines that satisfy every field given. Empty means all lines."""

    sku: Texts | None = Field(default=None, description="Any of these article numbers.", examples=[["4711"]])
    category: Texts | None = Field(default=None, description="Any of these categories.", examples=[["coffee"]])
    brand: Texts | None = Field(default=None, description="Any of these brands.", examples=[["Acme"]])
    unit: Texts | None = Field(default=None, description="Any of these units of quantity.", examples=[["kg"]])
    attributes: Mapping[Key, Choice] = Field(
        default_factory=dict,
        description="Declared line attributes, each with its value or a list of values.",
        examples=[{"own_cup": True, "department": ["bakery", "coffee"]}],
    )


class LineSelection(LineFilter):
    """Which lines of an order are meant: those that satisfy every field given, but not ``except``."""

    except_: LineFilter | None = Field(
        default=None, alias="except", description="But not these lines.", examples=[{"category": ["tobacco"]}]
    )


class SumComparison(QuantityComparison):
    """The sum of a declared number over the selected lines, compared with a number."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 2, "maxProperties": 2})

    attribute: Key = Field(description="A line attribute, integer or decimal.", examples=["weight"])


class LinesComparison(Entry):
    """A measure over the selected lines, compared with a number. Without a selected line every measure is 0."""

    lines: LineSelection = Field(description="Which lines count.", examples=[{"category": ["coffee"]}])
    count: WholeComparison | None = Field(default=None, description="Number of lines.", examples=[{"at_least": 2}])
    quantity: QuantityComparison | None = Field(
        default=None, description="Sum of quantities, whatever their units.", examples=[{"at_least": "1.5"}]
    )
    amount: WholeComparison | None = Field(
        default=None,
        description="Sum in minor units: for promotions as reported, for rules what promotions left.",
        examples=[{"at_least": 500}],
    )
    sum: SumComparison | None = Field(
        default=None,
        description="Sum of a line attribute such as a weight.",
        examples=[{"attribute": "weight", "at_least": "1.5"}],
    )

    @property
    def measure(self) -> Literal["count", "quantity", "amount", "sum"]:
        """What is measured."""
        return _single(self, _MEASURES, "of count, quantity, amount and sum")  # type: ignore[return-value]  # the names are the measures

    @property
    def comparison(self) -> "WholeComparison | QuantityComparison | SumComparison":
        """The comparison that the measure must satisfy."""
        found: WholeComparison | QuantityComparison | SumComparison = getattr(self, self.measure)
        return found

    @model_validator(mode="after")
    def _has_one_measure(self) -> "LinesComparison":
        _single(self, _MEASURES, "of count, quantity, amount and sum")
        return self


class HistoryWindow(Entry):
    """How far back earlier orders count; at most one field, none means for ever."""

    model_config = ConfigDict(json_schema_extra={"maxProperties": 1})

    days: Annotated[int, Field(ge=1, le=MAX_HISTORY_DAYS)] | None = Field(
        default=None, description="So many days back, to the same time of day.", examples=[90]
    )
    calendar: Literal["day", "week", "month", "quarter", "year"] | None = Field(
        default=None, description="Since the start of the current one in the program's zone.", examples=["month"]
    )

    @model_validator(mode="after")
    def _has_one_bound(self) -> "HistoryWindow":
        if self.days is not None and self.calendar is not None:
            raise PydanticCustomError("not_exactly_one", "needs at most one of days and calendar")
        return self


class HistoryComparison(Entry):
    """A measure over what the member bought before this order, compared with a number. Guests have no history.

    With ``lines`` only orders with such a line count, and of them only these lines. Looks at the newest 1,000 orders.
    """

    history: HistoryWindow = Field(description="How far back.", examples=[{"days": 90}])
    lines: LineSelection | None = Field(
        default=None, description="Which lines count; everything by default.", examples=[{"category": ["coffee"]}]
    )
    orders: WholeComparison | None = Field(default=None, description="Number of orders.", examples=[{"at_least": 2}])
    spend: WholeComparison | None = Field(
        default=None,
        description="Minor units paid for goods less what points paid; with lines, the amounts of these lines.",
        examples=[{"at_least": 10000}],
    )
    quantity: QuantityComparison | None = Field(
        default=None, description="Sum of the quantities of the lines.", examples=[{"at_least": 10}]
    )
    days_since_last: WholeComparison | None = Field(
        default=None,
        description="Calendar days since the last such order; every comparison fails when there is none.",
        examples=[{"at_least": 60}],
    )

    @property
    def measure(self) -> Literal["orders", "spend", "quantity", "days_since_last"]:
        """What is measured."""
        return _single(self, _PAST_MEASURES, "of orders, spend, quantity and days_since_last")  # type: ignore[return-value]  # the names are the measures

    @property
    def comparison(self) -> WholeComparison | QuantityComparison:
        """The comparison that the measure must satisfy."""
        found: WholeComparison | QuantityComparison = getattr(self, self.measure)
        return found

    @property
    def reads_lines(self) -> bool:
        """Whether what was bought matters, and not only that something was."""
        return self.lines is not None or self.quantity is not None

    @model_validator(mode="after")
    def _has_one_measure(self) -> "HistoryComparison":
        _single(self, _PAST_MEASURES, "of orders, spend, quantity and days_since_last")
        return self


class BirthdayWindow(Entry):
    """Days around the member's birthday, or the calendar week or month that holds it. 29 February counts as the 28th
    in years without it.
    """

    days_before: Annotated[int, Field(ge=0, le=MAX_BIRTHDAY_DAYS)] = Field(
        default=0, description="Days before the birthday.", examples=[3]
    )
    days_after: Annotated[int, Field(ge=0, le=MAX_BIRTHDAY_DAYS)] = Field(
        default=0, description="Days after the birthday.", examples=[3]
    )
    calendar: Literal["week", "month"] | None = Field(
        default=None, description="The whole calendar week (from Monday) or month instead.", examples=["month"]
    )

    @model_validator(mode="after")
    def _has_one_form(self) -> "BirthdayWindow":
        if self.calendar is not None and (self.days_before or self.days_after):
            raise PydanticCustomError("not_exactly_one", "needs either calendar or days")
        return self


class BirthdayComparison(Entry):
    """Whether the member has birthday around this day. Fails when the birthday is not known."""

    birthday: BirthdayWindow = Field(
        description="Which days count; {} is the day itself.", examples=[{"days_before": 3, "days_after": 3}]
    )


class AllOf(Entry):
    """Every child must hold."""

    children: "Conditions" = Field(
        alias="all", description="Conditions that must all hold.", examples=[[{"fact": "order.channel", "is": "web"}]]
    )


class AnyOf(Entry):
    """At least one child must hold."""

    children: "Conditions" = Field(
        alias="any",
        description="Conditions of which at least one must hold.",
        examples=[[{"fact": "order.channel", "is": "web"}]],
    )


class Not(Entry):
    """The child must not hold."""

    child: "Condition" = Field(
        alias="not", description="Condition that must not hold.", examples=[{"fact": "order.channel", "is": "web"}]
    )


_NODES: Final = ("all", "any", "not", "fact", "history", "lines", "birthday")


def _kind_of_node(node: Any) -> str | None:  # noqa: ANN401  what people wrote, not yet checked
    match node:
        case AllOf():
            return "<all>"
        case AnyOf():
            return "<any>"
        case Not():
            return "<not>"
        case FactComparison():
            return "<fact>"
        case HistoryComparison():
            return "<history>"
        case LinesComparison():
            return "<lines>"
        case BirthdayComparison():
            return "<birthday>"
        case dict():
            return next((f"<{kind}>" for kind in _NODES if kind in node), None)
        case _:
            return None


Condition = Annotated[
    Annotated[AllOf, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[Not, Tag("<not>")]
    | Annotated[FactComparison, Tag("<fact>")]
    | Annotated[HistoryComparison, Tag("<history>")]
    | Annotated[LinesComparison, Tag("<lines>")]
    | Annotated[BirthdayComparison, Tag("<birthday>")],
    Discriminator(
        _kind_of_node,
        custom_error_type="unknown_condition",
        custom_error_message="must be one of all, any, not, fact …, lines …, history …, birthday …",
    ),
]
"""One node of the tree."""

Conditions = Annotated[tuple[Condition, ...], Field(strict=False, min_length=1)]


def walk(condition: Condition, pointer: str = "") -> Iterator[tuple[str, int, Condition]]:
    """Yield every node in document order with its JSON pointer and its depth; the root is at depth 1."""
    waiting: list[tuple[str, int, Condition]] = [(pointer, 1, condition)]
    while waiting:
        here, depth, node = waiting.pop()
        yield here, depth, node
        waiting.extend((f"{here}{step}", depth + 1, child) for step, child in reversed(list(_children(node))))


def conjuncts(condition: Condition, pointer: str = "") -> Iterator[tuple[str, Condition]]:
    """Yield the nodes of which each must hold, with their JSON pointers: an ``all`` inside an ``all`` is part of it."""
    if not isinstance(condition, AllOf):
        yield pointer, condition
        return
    for index, child in enumerate(condition.children):
        yield from conjuncts(child, f"{pointer}/all/{index}")


def _children(node: Condition) -> list[tuple[str, Condition]]:
    match node:
        case AllOf():
            return [(f"/all/{index}", child) for index, child in enumerate(node.children)]
        case AnyOf():
            return [(f"/any/{index}", child) for index, child in enumerate(node.children)]
        case Not():
            return [("/not", node.child)]
        case FactComparison() | LinesComparison() | HistoryComparison() | BirthdayComparison():
            return []


AllOf.model_rebuild()
AnyOf.model_rebuild()
Not.model_rebuild()
