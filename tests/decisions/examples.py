"""Reads decision cases: programs, orders, activities and members in words of the document.

A file holds what its cases share (``attributes``, ``wallets``, ``activities``) and ``cases``. Amounts are cents, times
are RFC 3339; the program's zone is UTC unless the case names another. Without a member the customer is a guest.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml

from loyalty_engine.core.earning.base import earning_base
from loyalty_engine.core.earning.evaluation import EarningRules
from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.engine.attributes import read_decimals, with_decimals
from loyalty_engine.core.engine.ruleset import Ruleset, compile_ruleset
from loyalty_engine.core.kernel.codes import FoldedCode, fold_code
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.program.checks import check_program
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.parts import split
from loyalty_engine.core.program.reading import parse_program
from loyalty_engine.core.promotions.codes import CodeLimit, Codes, KnownCode
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.order import Activity, Line, MemberSnapshot, Order, Receipt, ShopOrder, Tender
from loyalty_engine.core.rules.view import View
from tests.core.engine_cases import MEMBER, OTHER
from tests.core.orders import line

Json = Mapping[str, Any]

NOON: Final = datetime(2026, 5, 31, 12, tzinfo=UTC)
"""When it happened, unless the case says so: a Sunday."""

SINGLE: Final = (
    "earning",
    "earning_amounts",
    "earning_base",
    "earning_conditions",
    "earning_times",
    "earning_history",
    "earning_limits",
    "earning_groups",
    "earning_multipliers",
    "activities",
)
"""The files whose cases are about one order or activity."""

RULES_PAGE: Final = Path(__file__).parents[2] / "docs" / "rules.md"

_BLOCK: Final = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ZONES: Final = frozenset({"UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Sao_Paulo"})


@dataclass(frozen=True, eq=False)
class Case:
    """One example: what it says, and what its file says for all."""

    name: str
    says: Json
    shared: Json

    def __str__(self) -> str:
        return self.name

    def get(self, field: str, default: Any = None) -> Any:  # noqa: ANN401 - any JSON value
        return self.says.get(field, default)


def read_cases(*names: str) -> list[Case]:
    """Return the cases of some files beside this one, in order."""
    cases = []
    for name in names:
        shared = yaml.safe_load(Path(__file__).with_name(f"{name}.yaml").read_text(encoding="utf-8"))
        cases += [Case(case["case"], case, shared) for case in shared.pop("cases")]
    return cases


def read_page(path: Path) -> list[Case]:
    """Return the examples of a page: its YAML blocks, of which the first is what they share."""
    blocks = [(match.start(), yaml.safe_load(match[1])) for match in _BLOCK.finditer(path.read_text(encoding="utf-8"))]
    (_, shared), *examples = blocks
    return [Case(f"{path.name} at {start}", says, shared) for start, says in examples]


@cache
def read_ruleset(case: Case) -> Ruleset:
    """Return the case's program as a ruleset; its document must be free of faults, and of warnings about earning."""
    program = parse_program(
        {
            "version": 1,
            "program": {"name": "Examples", "currency": "EUR", "time_zone": case.get("zone", "UTC")},
            **case.shared,
            "wallets": case.get("wallets", case.shared["wallets"]),
            "earning_groups": case.get("groups", []),
            "earning_rules": case.get("rules", []),
            "promotion_groups": case.get("promotion_groups", []),
            "promotions": read_promotions(case),
            "tier_sets": read_tier_sets(case),
            "referrals": read_referrals(case),
            "plans": read_plans(case),
            "policies": case.get("policies", {}),
        }
    )
    assert isinstance(program, Program), program
    faults = check_program(program, time_zones=_ZONES, currencies={"EUR": 2})
    # An example of one promotion, or of friends, has nothing that bounds it, which a shop is rightly warned of.
    is_warned = bool(program.promotions or program.referrals)
    assert [fault for fault in faults if fault.severity == "error" or not is_warned] == []
    return compile_ruleset(split(program), 1, find_zone=ZoneInfo)


def read_tier_sets(case: Case) -> list[Json]:
    """Return the case's tier sets; ``ladder`` is short for changes to the one that its file shares."""
    shared, changes = case.shared.get("tier_sets", []), case.get("ladder")
    return case.get("tier_sets", shared if changes is None else [{**shared[0], **changes}])  # type: ignore[no-any-return]  # as written


def read_referrals(case: Case) -> list[Json]:
    """Return the case's referral programmes; ``programme`` is short for changes to the one that its file shares."""
    shared, changes = case.shared.get("referrals", []), case.get("programme")
    return [*shared] if changes is None else [{**shared[0], **changes}]


def read_plans(case: Case) -> list[Json]:
    """Return the case's plans; ``club`` is short for changes to the first one that its file shares."""
    shared, changes = case.shared.get("plans", []), case.get("club")
    return case.get("plans", shared if changes is None else [{**shared[0], **changes}, *shared[1:]])  # type: ignore[no-any-return]  # as written


def read_promotions(case: Case) -> list[Json]:
    """Return the case's promotions; ``offer``, or its ``effect`` alone, is short for a single one."""
    offer = case.get("offer") or {"effect": case.get("effect")}
    return case.get("promotions", [{"key": "offer", **offer}] if offer["effect"] is not None else [])  # type: ignore[no-any-return]  # as written


def read_rules(case: Case, ruleset: Ruleset) -> EarningRules:
    """Return the rules that the case is about: for orders, or for its kind of activity."""
    if case.get("activity") is None:
        return ruleset.order_rules
    return ruleset.activity_rules[case.get("activity")["kind"]]


def read_view(case: Case, ruleset: Ruleset) -> View:
    """Return what rules see of the case's order or activity."""
    member = read_member(case.get("member"), ruleset)
    history = tuple(read_past(past) for past in case.get("history", ()))
    told = case.get("activity")
    if told is not None:
        activity = read_activity(told)
        seen = Activity(
            activity.kind,
            activity.subject,
            activity.location,
            read_decimals(ruleset.activities[activity.kind].attributes, activity.attributes),
        )
        return View(at=read_instant(told.get("at")), zone=ruleset.zone, activity=seen, member=member, history=history)
    order = with_decimals(ruleset, read_order(case.get("order")))
    paid = case.get("order").get("paid_with_points", 0) or case.get("pays_with", 0)
    return View(
        at=order.placed_at,
        zone=ruleset.zone,
        order=order,
        member=member,
        base=earning_base(ruleset.base, order, paid),
        paid_with_points=paid,
        history=history,
    )


def read_counted(case: Case) -> Counted:
    """Return what is used of limits: of the member's own and of those that all share."""
    used = case.get("used", {})
    return Counted(used.get("member", {}), used.get("program", {}))


def read_order(said: Json) -> Order:
    """Return an order; ``till`` makes it a receipt, ``tenders`` map their kinds to amounts."""
    given = {name: value for name, value in said.items() if name != "paid_with_points"}
    at, till = read_instant(given.pop("at", None)), given.pop("till", None)
    number = given.pop("number", "1")
    return Order(
        reference=ShopOrder(number) if till is None else Receipt("store-1", till, date(2026, 5, 31), number),
        placed_at=at,
        currency="EUR",
        lines=tuple(read_line(place, item) for place, item in enumerate(_pieces(given.pop("lines")), start=1)),
        tenders=tuple(Tender(kind, amount) for kind, amount in given.pop("tenders", {}).items()),
        **given,
    )


def _pieces(lines: Sequence[Json]) -> Iterator[Json]:
    for item in lines:
        for _ in range(item.get("pieces", 1)):
            yield {name: value for name, value in item.items() if name != "pieces"}


def read_line(place: int, said: Json) -> Line:
    """Return a line, called by its place unless it has an id."""
    return line(**{"id": str(place), **said})


def read_activity(said: Json) -> Activity:
    """Return an activity as shops report it."""
    return Activity(said["kind"], said.get("subject"), said.get("location"), said.get("attributes", {}))


def read_member(said: Json | None, ruleset: Ruleset) -> MemberSnapshot | None:
    """Return what rules see of a member; it is active and new unless the case says more."""
    if said is None:
        return None
    known = {"status": "active", "orders": 0, "spend": 0, **read_times(said)}
    known["attributes"] = read_decimals(ruleset.member_attributes, known.get("attributes", {}))
    return MemberSnapshot(**known)


def read_times(said: Json) -> dict[str, Any]:
    """Return what is known of a member, with its instants read."""
    known = dict(said)
    for name in ("enrolled_at", "first_order_at", "last_order_at"):
        if name in known:
            known[name] = parse_instant(known[name])
    return known


def read_codes(case: Case) -> tuple[Codes, dict[FoldedCode, KnownCode]]:
    """Return the codes that are ``typed`` in the case's cart, by the ``guest`` of whom that digest is known, and those that
    exist. They are passed over where they are not used.
    """
    known = [_read_code(text, said) for text, said in case.get("codes", {}).items()]
    typed = tuple(fold_code(text) or FoldedCode(text) for text in case.get("typed", ()))
    codes = Codes(typed, skips_unusable=True, guest=case.get("guest"), is_trusted=case.get("trusted", True))
    return codes, {code.code: code for code in known}


def _read_code(text: str, said: Json) -> KnownCode:
    """Return a code that ``opens`` a promotion, for anna or ben alone if it is ``of`` one of them."""
    folded, at = fold_code(text), {name: parse_instant(said[name]) for name in ("starts_at", "ends_at") if name in said}
    assert folded is not None
    limits = tuple(CodeLimit(**limit) for limit in said.get("limits", ()))
    member_id = {None: None, "the_member": MEMBER, "somebody_else": OTHER}[said.get("of")]
    return KnownCode(folded, said["opens"], said.get("active", True), **at, member_id=member_id, limits=limits)


def read_past(said: Json) -> PastOrder:
    """Return an earlier order: what was spent is the sum of its lines unless the case says so."""
    lines = tuple(read_line(place, item) for place, item in enumerate(said.get("lines", ()), start=1))
    return PastOrder(parse_instant(said["at"]), said.get("spend", sum(item.amount for item in lines)), lines)


def read_instant(text: str | None) -> datetime:
    """Return an instant of a case, noon when it names none."""
    return NOON if text is None else parse_instant(text)


def explained(reason: Json, expected: str | Json) -> object:
    """Return of a reason what the example speaks of: its code, or some fields of its miss, limit or group."""
    if isinstance(expected, str):
        return reason["code"]
    more = reason.get("miss") or reason.get("limit") or reason.get("outdone") or {}
    return {name: more.get(name, "not there") for name in expected}


def explained_code(reason: Json | None, expected: str | Json) -> object:
    """Return of what became of a code what the example speaks of: its reason, or fields of that, its limit and its miss."""
    if reason is None or isinstance(expected, str):
        return reason and reason["reason"]
    why, limit = reason.get("why", {}), reason.get("limit", {})
    told = {**why.get("miss", {}), **why.get("limit", {}), **why.get("outdone", {}), **limit, **reason}
    return {name: {**told, "why": why.get("code")}.get(name, "not there") for name in expected}
