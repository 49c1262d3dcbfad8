"""What publishing a document would change: its parts compared with the published ones, by key and by content.

It knows parts and never what is in them, so that a new kind of part needs nothing here. A plan is empty exactly when
publishing would make no revision.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any, Final, Literal

from loyalty_engine.core.program.faults import json_pointer
from loyalty_engine.core.program.parts import Part, PartKey

MAX_FIELDS_OF_PART: Final = 50
MAX_FIELDS: Final = 2_000
"""Changed fields that one plan shows; the parts behind them still say how many they have."""
MAX_SHOWN_TEXT: Final = 200

ChangeKind = Literal["added", "changed", "moved", "removed"]

Leaf = bool | int | str | list[Any] | dict[str, Any] | None
"""A value without values inside: an empty list or object is one. None stands for a field at its default."""

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value of a part, by its JSON pointer into the part's body. Long texts are cut."""

    pointer: str
    before: Leaf
    after: Leaf


@dataclass(frozen=True, slots=True)
class PartChange:
    """One part that differs. A part that is changed and moved is listed once for each.

    ``fields`` are those of a changed part, and ``omitted`` counts the ones left out. ``follows`` is the part of the
    same kind behind which a moved one stands now; None when it is the first.
    """

    key: PartKey
    name: str | None
    kind: ChangeKind
    fields: tuple[FieldChange, ...] = ()
    omitted: int = 0
    follows: PartKey | None = None


def plan_changes(before: Sequence[Part], after: Sequence[Part]) -> tuple[PartChange, ...]:
    """Return what ``after`` changes of the published parts ``before``, in its order; what it removes comes last."""
    old = {part.key: part for part in before}
    new = {part.key: part for part in reversed(after)}  # of a key used twice, which is a fault, the first counts
    moved = _moved([key for key in old if key in new], list(dict.fromkeys(part.key for part in after)))
    changes: list[PartChange] = []
    room = MAX_FIELDS
    for key in dict.fromkeys(part.key for part in after):
        part = new[key]
        if key not in old:
            changes.append(PartChange(key, _name(part), "added"))
        elif part.content_hash != old[key].content_hash:
            change = _change(old[key], part, room)
            room -= len(change.fields)
            changes.append(change)
        if key in moved:
            changes.append(PartChange(key, _name(part), "moved", follows=moved[key]))
    return (*changes, *(PartChange(key, _name(old[key]), "removed") for key in old if key not in new))


def _change(before: Part, after: Part, room: int) -> PartChange:
    found = _compare((), json.loads(before.body), json.loads(after.body))
    shown = tuple(islice(found, min(room, MAX_FIELDS_OF_PART)))
    return PartChange(after.key, _name(after), "changed", shown, omitted=sum(1 for _ in found))


def _name(part: Part) -> str | None:
    name = json.loads(part.body).get("name")
    return name if isinstance(name, str) else None


def _moved(old: Sequence[PartKey], new: Sequence[PartKey]) -> Mapping[PartKey, PartKey | None]:
    """Return the fewest parts that must move to bring ``old`` into the order of ``new``, each with the one before it."""
    places = {key: place for place, key in enumerate(old)}
    staying = _longest_rise([places[key] for key in new if key in places])
    moved: dict[PartKey, PartKey | None] = {}
    last: dict[str, PartKey] = {}
    for key in new:
        kind = key.partition("/")[0]
        if key in places and places[key] not in staying:
            moved[key] = last.get(kind)
        last[kind] = key
    return moved


def _longest_rise(numbers: Sequence[int]) -> frozenset[int]:
    """Return the members of a longest rising subsequence of different numbers."""
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        length = bisect_left(ends, number)
        before[number] = ends[length - 1] if length else None
        ends[length : length + 1] = [number]
    rise: set[int] = set()
    here = ends[-1] if ends else None
    while here is not None:
        rise.add(here)
        here = before[here]
    return frozenset(rise)


_Steps = tuple[str | int, ...]


def _compare(steps: _Steps, before: Any, after: Any) -> Iterator[FieldChange]:  # noqa: ANN401  any JSON value
    match before, after:
        case dict(), dict():
            for name in sorted({*before, *after}):
                yield from _compare((*steps, name), before.get(name, _ABSENT), after.get(name, _ABSENT))
        case list(), list():
            yield from _compare_lists(steps, before, after)
        case _ if _is_inner(before) or _is_inner(after):
            yield from (FieldChange(pointer, leaf, None) for pointer, leaf in _leaves(steps, before))
            yield from (FieldChange(pointer, None, leaf) for pointer, leaf in _leaves(steps, after))
        case _ if before is _ABSENT or after is _ABSENT or _text_of(before) != _text_of(after):
            yield FieldChange(json_pointer(steps), _shown(before), _shown(after))


def _compare_lists(steps: _Steps, before: list[Any], after: list[Any]) -> Iterator[FieldChange]:
    """Compare what stands between the equal beginnings and ends, so that one new entry is one change."""
    old, new = [_text_of(value) for value in before], [_text_of(value) for value in after]
    shortest = min(len(old), len(new))
    head = next((place for place in range(shortest) if old[place] != new[place]), shortest)
    rest = shortest - head
    tail = next((place for place in range(rest) if old[-1 - place] != new[-1 - place]), rest)
    pairs = zip_longest(before[head : len(old) - tail], after[head : len(new) - tail], fillvalue=_ABSENT)
    for place, (left, right) in enumerate(pairs, start=head):
        yield from _compare((*steps, place), left, right)


def _leaves(steps: _Steps, value: Any) -> Iterator[tuple[str, Leaf]]:  # noqa: ANN401  any JSON value
    if not _is_inner(value):
        if value is not _ABSENT:
            yield json_pointer(steps), _shown(value)
        return
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _leaves((*steps, step), inner)


def _is_inner(value: object) -> bool:
    return isinstance(value, (dict, list)) and len(value) > 0


def _text_of(value: object) -> str:
    """Return what tells values apart as their hash does: 1 is not true."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _shown(value: Any) -> Leaf:  # noqa: ANN401  any JSON value
    if value is _ABSENT:
        return None
    if isinstance(value, str) and len(value) > MAX_SHOWN_TEXT:
        return value[: MAX_SHOWN_TEXT - 1] + "…"
    leaf: Leaf = value
    return leaf
