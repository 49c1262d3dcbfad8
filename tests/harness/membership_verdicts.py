"""The verdict over memberships: each that callers were told follows from the one before it, and the last is what there is."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tests.harness.api import Api
from tests.harness.crowds import insist
from tests.harness.histories import Entry
from tests.harness.subscribers import TERM_DAYS

Json = dict[str, Any]

_TERM: Final = timedelta(days=TERM_DAYS)
"""In the zone of the shop all days are alike."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What an answer told of a membership; ``paid`` is when somebody paid for it with that, None: nobody did."""

    booked: str
    held: Json
    paid: datetime | None
    is_trial: bool

    def follows(self, before: Json | None) -> bool:
        """Tell whether it is what a payment, a trial or an end makes of what was there before."""
        if before is None:
            return self.is_trial or (self.paid is not None and self._begins_anew(self.paid))
        if self.is_trial:
            return False
        if self.paid is None:
            return self.held["since"] == before["since"] and _at(self.held, "ends_at") <= _at(before, "ends_at")
        if self.paid >= _at(before, "ends_at"):
            return self._begins_anew(self.paid)
        longer = _at(self.held, "paid_until") - _at(before, "paid_until")
        return self.held["since"] == before["since"] and longer == _TERM

    def _begins_anew(self, paid: datetime) -> bool:
        return _at(self.held, "since") == paid and _at(self.held, "paid_until") == paid + _TERM


async def compare_memberships(api: Api, accepted: Iterable[Entry]) -> list[str]:
    """Return where what callers were told about plans contradicts itself, or what members have."""
    faults, told = [], _read_all(accepted)
    for member in sorted({member for member, _ in told}):
        answer = await insist(api.get, f"/members/{member}/plans")
        shown = {one["plan"]: one for one in answer.json().get("plans", [])}  # a lost one has none
        for plan in sorted(plan for one, plan in told if one == member):
            held = _follow(told[member, plan])
            if held is None:
                faults.append(f"{member}/{plan}: was told what does not follow from what it was told before")
            elif plan not in shown or any(shown[plan][name] != held[name] for name in held.keys() - {"state"}):
                faults.append(f"{member}/{plan}: was told {held}, has {shown.get(plan)}")
    return faults


def _follow(told: list[_Told]) -> Json | None:
    """Return what was told last, each after what it follows from; None: one does not. Several may be of one moment."""
    left, held = sorted(told, key=lambda one: one.booked), None
    while left:
        at_once = [one for one in left if one.booked == left[0].booked]
        following = next((one for one in at_once if one.follows(held)), None)
        if following is None:
            return None
        left.remove(following)
        held = following.held
    return held


def _read_all(accepted: Iterable[Entry]) -> dict[tuple[str, str], list[_Told]]:
    """Return what was told, once for each operation, by member and plan."""
    told: dict[tuple[str, str], list[_Told]] = {}
    seen = set()
    for entry in accepted:
        assert entry.outcome is not None
        answer = json.loads(entry.outcome.content)
        if answer["operation_id"] in seen:
            continue
        seen.add(answer["operation_id"])
        paid_at = entry.body.get("paid_at") or entry.body.get("occurred_at")
        paid = None if paid_at is None else datetime.fromisoformat(paid_at)
        is_trial = entry.path.endswith("/trial")
        for name, paid_for in (("membership", paid), ("replaced", None)):
            held = answer.get(name)
            if held is not None:
                booked = _at(answer, "booked_at").isoformat(timespec="microseconds")
                told.setdefault((answer["member_id"], held["plan"]), []).append(_Told(booked, held, paid_for, is_trial))
    return told


def _at(shown: Json, name: str) -> datetime:
    return datetime.fromisoformat(shown[name])
