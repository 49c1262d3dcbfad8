"""A program in which everything happened that points can live through, and faults to plant in its rows.

In a fault ``{p}`` is the program, ``{m}`` the member to whom most of it happened, ``{a}`` the one that was absorbed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx

from loyalty_engine.core.kernel.ids import read_id
from tests.harness.api import Api, fresh, receipt
from tests.harness.programs import MakeProgram, Program, document
from tests.harness.servers import Servers

Json = dict[str, Any]

RULES: Final = document(time_zone="UTC")
RULES["wallets"][0]["expiry"] = {"kind": "after", "length": {"months": 12}}
RULES["wallets"][1] |= {"activation": {"kind": "confirmed"}, "expiry": {"kind": "sliding", "length": {"months": 6}}}
RULES["promotions"] = [
    {
        "key": "tea",
        "when": {"lines": {"category": ["tea"]}, "count": {"at_least": 1}},
        "effect": {"kind": "amount_off", "amount": 100},
        "limits": [{"per": "program", "times": 9}, {"per": "member", "times": 9}],
    }
]
RULES["tier_sets"] = [
    {
        "key": "status",
        "metric": {"kind": "spend"},
        "window": {"kind": "calendar", "unit": "year"},
        "lasts": {"kind": "window"},
        "tiers": [{"key": "silver", "at_least": 3000}, {"key": "gold", "at_least": 100000}],
    }
]
RULES["plans"] = [{"key": "club", "price": 900, "term": {"months": 12}, "grace": {"days": 9}}]
LINES: Final[list[Json]] = [{"id": "shirt", "amount": 3000, "quantity": 3}, {"id": "socks", "amount": 999}]


@dataclass(frozen=True)
class Lively:
    """The program, and whom faults are about."""

    program: Program
    names: dict[str, UUID]


async def live(servers: Servers, new_program: MakeProgram) -> Lively:
    """Make the program, over HTTP."""
    program = await new_program(RULES)
    async with Api(servers.urls, program.admin) as api:
        member, absorbed, friend, shopper = [await api.new_member(500) for _ in range(4)]
        await _buy_and_return(api, member)
        await _hold(api, member)
        await _change_hands(api, member, absorbed, friend)
        await _reserve(api, shopper)
        for number in ("one", "two"):
            paid = {"payment": number, "amount": 900, "currency": "EUR"}
            _done(await api.post(f"/members/{member}/plans/club/payments", paid))
    return Lively(program, {"m": read_id("mem", member), "a": read_id("mem", absorbed)})


async def _buy_and_return(api: Api, member: str) -> None:
    recently, long_ago = [(datetime.now(UTC) - timedelta(days=days)).isoformat() for days in (5, 500)]
    payment = {"wallet": "points", "points": 100}
    order = _done(await api.post_order(member, lines=LINES, placed_at=recently, pay_with_points=payment))["id"]
    _done(await api.take_back(order, lines=[{"id": "shirt", "quantity": 1}]))
    _done(await api.post_order(member, 2000, placed_at=long_ago))
    web = _done(await api.post_order(member, lines=LINES, placed_at=recently, channel="web"))["id"]
    _done(await api.post(f"/orders/{web}/activations", {"lines": [{"id": "socks"}]}))
    edited = _done(await api.post_order(member, 9900, placed_at=recently))["id"]
    _done(await api.post(f"/orders/{edited}/edits", {"lines": [{"amount": 5000}], "reason": "sold_out"}))
    void = _done(await api.post_order(member, 700, placed_at=recently))["id"]
    _done(await api.cancel_order(void))
    early, never, sold = fresh("w"), fresh("w"), receipt()
    for number in (early, never):
        _done(await api.post("/returns", {"order": {"order_id": number}, "amount": 500}))
    _done(await api.post_order(member, lines=LINES, placed_at=recently, order_id=early))
    _done(await api.post_order(member, lines=LINES, placed_at=recently, receipt=sold))
    _done(await api.post("/returns", {"order": {"receipt": sold}, "receipt": receipt(), "lines": [{"id": "socks"}]}))


async def _hold(api: Api, member: str) -> None:
    held, dropped, _ = [_done(await api.hold(member, points))["id"] for points in (60, 20, 30)]
    _done(await api.capture(held, 40))
    _done(await api.void(dropped))


async def _change_hands(api: Api, member: str, absorbed: str, friend: str) -> None:
    sent = _done(await api.transfer(friend, member, 120))["operation_id"]
    _done(await api.reverse(sent))
    _done(await api.post_order(absorbed, 4000))
    parted = _done(await api.merge(friend, absorbed))["operation_id"]
    _done(await api.reverse(parted))
    _done(await api.merge(member, absorbed))


async def _reserve(api: Api, member: str) -> None:
    payment = {"wallet": "points", "points": 50}
    cart = {
        "member": member,
        "currency": "EUR",
        "lines": [{"amount": 1000, "category": "tea"}],
        "pay_with_points": payment,
    }
    bought, left, first = [_done(await api.post("/reservations", cart))["id"] for _ in range(3)]
    _done(await api.post("/reservations", {**cart, "replaces": first}))
    _done(await api.post(f"/reservations/{left}/release", {}))
    _done(await api.post(f"/reservations/{bought}/confirm", {"order_id": fresh("w")}))


def _done(answer: httpx.Response) -> Json:
    assert answer.is_success, answer.text
    body: Json = answer.json()
    return body


_ENDS: Final = "UPDATE {t} SET ends_at = '2000-01-01Z' WHERE program_id = {{p}} AND tier = 'silver'"
FAULTS: Final = {
    "a tier that nobody led to": (
        "UPDATE member_tier SET tier = 'gold' WHERE program_id = {p} AND tier = 'silver'",
        {"tiers_are_where_members_were_led"},
    ),
    "a place in a tier set that is lost": (
        "DELETE FROM member_tier WHERE program_id = {p} AND tier = 'silver'",
        {"tiers_are_where_members_were_led"},
    ),
    "a move by nobody": (
        "UPDATE tier_move SET operation_id = gen_random_uuid() WHERE program_id = {p}",
        {"tier_moves_have_their_operation"},
    ),
    "an end of a tier that nobody will see": (
        "; ".join(_ENDS.format(t=table) for table in ("member_tier", "tier_move")),
        {"tiers_end_in_time"},
    ),
    "a membership that nobody paid for": (
        "UPDATE member_plan SET paid_until = paid_until + interval '1 year' WHERE program_id = {p}",
        {"memberships_are_what_was_made_of_them"},
    ),
    "a membership that is lost": (
        "DELETE FROM member_plan WHERE program_id = {p}",
        {"memberships_are_what_was_made_of_them"},
    ),
    "a membership made by nobody": (
        "UPDATE plan_move SET operation_id = gen_random_uuid() WHERE program_id = {p}",
        {"plan_moves_have_their_operation"},
    ),
    "an end of a membership that nobody will see": (
        "; ".join(
            f"UPDATE {table} SET ends_at = '2000-01-01Z' WHERE program_id = {{p}}"
            for table in ("member_plan", "plan_move")
        ),
        {"memberships_end_in_time"},
    ),
    "a payment without its number": (
        "DELETE FROM order_key WHERE program_id = {p} AND natural_key LIKE 'payment|%'",
        {"payments_have_their_number"},
    ),
    "points held that nobody set aside": (
        "UPDATE hold SET points = points + 1 WHERE program_id = {p} AND ended_by IS NULL",
        {"held_equals_holds", "holds_have_their_operations"},
    ),
    "a hold that is lost": (
        "DELETE FROM hold WHERE program_id = {p} AND ended_by IS NULL",
        {"held_equals_holds", "holds_have_their_operations"},
    ),
    "a hold that nobody ended": (
        "UPDATE hold SET ended_by = gen_random_uuid() WHERE program_id = {p} AND captured = 40",
        {"holds_have_their_operations", "holds_are_spent_as_captured"},
    ),
    "a hold that ended twice": (
        (
            "UPDATE hold h SET ended_by = o.ended_by FROM hold o WHERE h.program_id = {p} AND o.program_id = {p} "
            "AND h.captured = 0 AND h.points = 20 AND o.captured = 40"
        ),
        {"holds_end_one_by_one"},
    ),
    "a capture of more than was spent": (
        "UPDATE hold SET captured = captured + 1 WHERE program_id = {p} AND captured = 40",
        {"holds_are_spent_as_captured"},
    ),
    "a lease one too high": (
        "UPDATE counter_lease SET amount = amount + 1 WHERE program_id = {p}",
        {"leases_equal_reservations"},
    ),
    "a reservation that forgot what it holds": (
        "UPDATE reservation SET body = body - 'uses' WHERE program_id = {p}",
        {"leases_equal_reservations", "members_lease_what_they_reserved"},
    ),
    "a reservation that is lost": (
        "DELETE FROM reservation WHERE program_id = {p}",
        {
            "leases_equal_reservations",
            "members_lease_what_they_reserved",
            "reservations_have_their_operation",
            "reservations_end_once",
        },
    ),
    "an order that is still reserved": (
        "DELETE FROM reservation_end WHERE program_id = {p} AND how = 'confirmed'",
        {"leases_equal_reservations", "members_lease_what_they_reserved", "reservations_end_once"},
    ),
    "a reservation that ended otherwise than it says": (
        "UPDATE reservation_end SET how = 'replaced' WHERE program_id = {p} AND how = 'confirmed'",
        {"reservations_end_once"},
    ),
    "two reservations that were ended by one": (
        (
            "UPDATE reservation_end e SET operation_id = o.operation_id FROM reservation_end o WHERE e.program_id = {p} "
            "AND o.program_id = {p} AND e.how = 'released' AND o.how = 'replaced'"
        ),
        {"reservations_end_once"},
    ),
    "points of a reservation that were spent by hand": (
        "UPDATE operation SET kind = 'hold' WHERE program_id = {p} AND kind = 'reservation'",
        {"holds_have_their_operations", "reservations_have_their_operation"},
    ),
    "points that wait and count as available": (
        "UPDATE lot SET available_at = earned_at WHERE program_id = {p} AND available_at IS NULL AND remaining > 0",
        {"pending_is_what_waits"},
    ),
    "points that outlived their expiry": (
        "UPDATE lot SET expires_at = earned_at WHERE program_id = {p} AND remaining > 0 AND expires_at IS NOT NULL",
        {"expired_lots_are_empty", "due_dates_are_not_late"},
    ),
    "points that outlived that of their wallet": (
        "UPDATE balance SET expires_at = '2026-01-01' WHERE program_id = {p} AND available > 0 AND wallet = 'cashback'",
        {"expired_lots_are_empty", "due_dates_are_not_late"},
    ),
    "a lot that forgot what expired of it": (
        "UPDATE lot SET expired = expired - 1 WHERE program_id = {p} AND expired > 0",
        {"lots_tell_what_expired"},
    ),
    "nobody knows what becomes due": (
        "UPDATE member SET due_at = NULL WHERE program_id = {p} AND id = '{m}'",
        {"due_dates_are_not_late", "tiers_end_in_time", "memberships_end_in_time"},
    ),
    "a member that stands for itself": (
        "UPDATE member SET merged_into = id WHERE program_id = {p} AND id = '{a}'",
        {"merged_members_lead_to_another", "merges_are_in_force", "members_count_their_orders"},
    ),
    "a merged member that is active": (
        "UPDATE member SET status = 'active' WHERE program_id = {p} AND id = '{a}'",
        {"merged_members_lead_to_another"},
    ),
    "a merged member with whom something becomes due": (
        "UPDATE member SET due_at = now() WHERE program_id = {p} AND id = '{a}'",
        {"merged_members_have_nothing"},
    ),
    "a merge that was taken back and is in force": (
        ("UPDATE operation SET kind = 'adjustment' WHERE program_id = {p} AND kind = 'merge' AND member_id = '{m}'"),
        {"merges_are_in_force"},
    ),
    "a posting of a third member": (
        "UPDATE operation SET other_member_id = '{a}' WHERE program_id = {p} AND kind = 'transfer'",
        {"postings_have_their_operation", "lots_have_their_operation"},
    ),
    "a change of an order that is numbered wrong": (
        "UPDATE order_change SET number = 3 WHERE program_id = {p} AND number = 1",
        {"order_changes_follow_each_other"},
    ),
    "a change of an order by nobody": (
        "UPDATE order_change SET operation_id = gen_random_uuid() WHERE program_id = {p} AND NOT is_gone",
        {"order_changes_follow_each_other", "order_changes_are_complete"},
    ),
    "a return that is lost": (
        "DELETE FROM order_change WHERE program_id = {p} AND is_gone",
        {"order_changes_are_complete", "members_count_their_orders"},
    ),
    "a kept order that counts for less": (
        "UPDATE order_change SET spend = spend - 1 WHERE program_id = {p} AND NOT is_gone",
        {"members_count_their_orders"},
    ),
    "a return that was applied by nobody": (
        "UPDATE return_waiting SET applied_by = gen_random_uuid() WHERE program_id = {p} AND applied_by IS NOT NULL",
        {"waiting_returns_have_their_operation"},
    ),
    "a return whose order came without it": (
        "UPDATE order_key SET request_hash = 'x' WHERE program_id = {p} AND request_hash = ''",
        {"orders_have_one_key"},
    ),
    "a return that waits for nothing": (
        "DELETE FROM return_waiting WHERE program_id = {p} AND applied_by IS NULL",
        {"waiting_returns_have_their_operation", "orders_have_one_key"},
    ),
}
