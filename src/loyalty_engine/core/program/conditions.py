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

Number = TypeVar("Number", int, int | str)
Comparand = bool | int | str | tuple[bool | int | str, ...]
"""What may stand right of an operator, as written."""

_COMPARED: Final = ("is_", "is_not", "in_", "not_in", "at_least", "more_than", "at_most", "less_than", "exists")
_MEASURES: Final = ("count", "quantity", "amount")


def _single(entry: Entry, names: tuple[str, ...], what: str) -> str:
    """Return the one of ``names`` that ``entry`` sets; anything but exactly one is a fault of the document."""
    given = [name for name in names if getattr(entry, name, None) is not None]
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


class LineSelection(Entry):
    """Which lines of an order are meant: those that satisfy every field given. Empty means all lines."""

    sku: Texts | None = Field(default=None, description="Any of these article numbers.", examples=[["4711"]])
    category: Texts | None = Field(default=None, description="Any of these categories.", examples=[["coffee"]])
    brand: Texts | None = Field(default=None, description="Any of these brands.", examples=[["Acme"]])
    unit: Texts | None = Field(default=None, description="Any of these units of quantity.", examples=[["kg"]])
    attributes: Mapping[Key, Choice] = Field(
        default_factory=dict,
        description="Declared line attributes, each with its value or a list of values.",
        examples=[{"own_cup": True, "department": ["bakery", "coffee"]}],
    )


class LinesComparison(Entry):
    """A measure over the selected lines, compared with a number. Without a selected line every measure is 0."""

    lines: LineSelection = Field(description="Which lines count.", examples=[{"category": ["coffee"]}])
    count: WholeComparison | None = Field(default=None, description="Number of lines.", examples=[{"at_least": 2}])
    quantity: QuantityComparison | None = Field(
        default=None, description="Sum of quantities, whatever their units.", examples=[{"at_least": "1.5"}]
    )
    amount: WholeComparison | None = Field(
        default=None, description="Sum before our discounts, in minor units.", examples=[{"at_least": 500}]
    )

    @property
    def measure(self) -> Literal["count", "quantity", "amount"]:
        """What is measured."""
        return _single(self, _MEASURES, "of count, quantity and amount")  # type: ignore[return-value]  # the names are the measures

    @property
    def comparison(self) -> WholeComparison | QuantityComparison:
        """The comparison that the measure must satisfy."""
        found: WholeComparison | QuantityComparison = getattr(self, self.measure)
        return found

    @model_validator(mode="after")
    def _has_one_measure(self) -> "LinesComparison":
        _single(self, _MEASURES, "of count, quantity and amount")
        return self


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


_NODES: Final = ("all", "any", "not", "fact", "lines")


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
        case LinesComparison():
            return "<lines>"
        case dict():
            return next((f"<{kind}>" for kind in _NODES if kind in node), None)
        case _:
            return None


Condition = Annotated[
    Annotated[AllOf, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[Not, Tag("<not>")]
    | Annotated[FactComparison, Tag("<fact>")]
    | Annotated[LinesComparison, Tag("<lines>")],
    Discriminator(
        _kind_of_node,
        custom_error_type="unknown_condition",
        custom_error_message="must be one of all, any, not, fact …, lines …",
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


def _children(node: Condition) -> list[tuple[str, Condition]]:
    match node:
        case AllOf():
            return [(f"/all/{index}", child) for index, child in enumerate(node.children)]
        case AnyOf():
            return [(f"/any/{index}", child) for index, child in enumerate(node.children)]
        case Not():
            return [("/not", node.child)]
        case FactComparison() | LinesComparison():
            return []


AllOf.model_rebuild()
AnyOf.model_rebuild()
Not.model_rebuild()
