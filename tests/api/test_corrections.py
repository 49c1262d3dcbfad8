"""What the back office sets right: transfers, merges, blocks, changed lots, reversed operations."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.harness.api import Api, available, code_of, fresh, pointers_of
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]
NOBODY = "mem_00000000000000000000000000"


async def timeline(api: Api, member: str) -> list[str]:
    items = (await api.get(f"/members/{member}/timeline")).json()["items"]
    return [item["summary"] for item in items]


async def test_a_transfer_moves_points_with_their_age(client: Api, ledger: Ledger) -> None:
    giver, recipient = await client.new_member(300), await client.new_member(5)
    [lot] = (await client.get(f"/members/{giver}/lots")).json()["items"]

    answer = await client.transfer(giver, recipient, 120, note="Asked by mail")

    done = answer.json()
    assert (answer.status_code, done["member_id"], done["recipient_id"], done["points"]) == (201, giver, recipient, 120)
    assert (available(done), done["recipient_balances"][0]["available"], done["reason"]) == (180, 125, "gift")
    received = (await client.get(f"/members/{recipient}/lots")).json()["items"][0]
    assert (received["remaining"], received["earned_at"]) == (120, lot["earned_at"])
    assert (await timeline(client, giver))[0] == f"Transfer to {recipient} (gift): 120 points given"
    assert (await timeline(client, recipient))[0] == f"Transfer from {giver} (gift): 120 points received"
    read = (await client.get(f"/operations/{done['operation_id']}")).json()
    assert (read["kind"], read["member_id"], read["other_member_id"]) == ("transfer", giver, recipient)
    assert [(row["amounts"][0]["added"], row["amounts"][0]["taken"]) for row in (read,)] == [(0, 120)]
    assert [(row["added"], row["taken"]) for row in read["other_amounts"]] == [(120, 0)]
    assert read["other_balances"][0]["available"] == 125
    assert await ledger.faults() == []


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"points": 301}, 409, "insufficient_points", "/points"),
        ({"points": 0}, 422, "validation_failed", "/points"),
        ({"points": -1}, 422, "validation_failed", "/points"),
        ({"recipient": NOBODY}, 404, "member_not_found", "/recipient"),
        ({"member": NOBODY}, 404, "member_not_found", "/member"),
        ({"recipient": "nobody"}, 422, "validation_failed", "/recipient"),
        ({"wallet": "gold"}, 422, "wallet_not_found", "/wallet"),
        ({"reason": ""}, 422, "validation_failed", "/reason"),
        ({"note": ""}, 422, "validation_failed", "/note"),
        ({"if_short": "debt"}, 422, "validation_failed", "/if_short"),
    ],
)
async def test_a_transfer_that_cannot_be_moves_nothing(
    client: Api, ledger: Ledger, changes: Json, *, status: int, code: str, pointer: str
) -> None:
    giver, recipient = await client.new_member(300), await client.new_member()
    before = await ledger.fingerprint()

    answer = await client.transfer(**{"member": giver, "recipient": recipient, "points": 100, **changes})

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (status, code, [pointer]), answer.text
    assert await ledger.fingerprint() == before


async def test_nobody_gives_points_to_themselves(client: Api) -> None:
    card = f"card:{fresh('c')}"
    member = (await client.enrol(card)).json()["id"]
    await client.adjust(member, 50)

    answer = await client.transfer(member, card, 10)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "transfer_to_self", ["/recipient"])


@pytest.mark.parametrize("blocked", ["giver", "recipient"])
async def test_a_blocked_member_neither_gives_nor_receives(client: Api, blocked: str) -> None:
    people = {"giver": await client.new_member(50), "recipient": await client.new_member()}
    await client.block(people[blocked])

    assert code_of(await client.transfer(people["giver"], people["recipient"], 10)) == "member_blocked"


async def test_merged_members_are_one(client: Api, ledger: Ledger) -> None:
    cards = [f"card:{fresh('c')}" for _ in range(2)]
    kept, absorbed = [(await client.enrol(card)).json()["id"] for card in cards]
    await client.adjust(kept, 100)
    await client.post_order(absorbed, 5000)

    answer = await client.merge(kept, cards[1])

    merged = answer.json()
    assert (answer.status_code, merged["member_id"], merged["absorbed_id"]) == (201, kept, absorbed), answer.text
    assert (available(merged), merged["reason"]) == (150, "duplicate")
    assert merged["moved"] == [{"wallet": "points", "available": 50, "pending": 0, "debt": 0}]
    one, other = [(await client.get(f"/members/{member}")).json() for member in (kept, absorbed)]
    assert (one["status"], one["merged_into"], one["identities"], one["orders"], one["spend"]) == (
        "active",
        None,
        sorted("card:" + card.removeprefix("card:").upper() for card in cards),
        1,
        5000,
    )
    assert (other["status"], other["merged_into"], other["identities"]) == ("merged", kept, [])
    assert (await client.get(f"/members/{cards[1]}")).json()["id"] == kept
    for path in ("balances", "lots", "expirations", "holds"):
        through = [(await client.get(f"/members/{member}/{path}")).json() for member in (kept, absorbed, cards[1])]
        assert through == [through[0]] * 3
    assert (await timeline(client, kept))[0] == f"Merged with {absorbed} (duplicate): 50 points received"
    assert (await timeline(client, absorbed))[0] == f"Merged into {kept} (duplicate): 50 points given"
    assert available((await client.redeem(absorbed, 150)).json()) == 0
    assert available((await client.post_order(cards[1], 700)).json()) == 7
    assert await ledger.faults() == []


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"absorbed": NOBODY}, 404, "member_not_found", "/absorbed"),
        ({"absorbed": 1}, 422, "validation_failed", "/absorbed"),
        ({"reason": "Why not"}, 422, "validation_failed", "/reason"),
        ({"member": "card:1"}, 422, "validation_failed", "/member"),
    ],
)
async def test_a_merge_that_cannot_be_changes_nothing(
    client: Api, ledger: Ledger, changes: Json, *, status: int, code: str, pointer: str
) -> None:
    member, other = await client.new_member(50), await client.new_member(10)
    before = await ledger.fingerprint()

    answer = await client.post(f"/members/{member}/merge", {"absorbed": other, "reason": "duplicate", **changes})

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (status, code, [pointer]), answer.text
    assert await ledger.fingerprint() == before


async def test_a_member_is_not_merged_with_itself(client: Api) -> None:
    one, two = await client.new_member(), await client.new_member()
    itself = await client.merge(one, one)
    await client.merge(one, two)

    assert [code_of(answer) for answer in (itself, await client.merge(one, two))] == ["merge_with_self"] * 2


async def test_points_set_aside_stand_in_the_way_of_a_merge(client: Api, ledger: Ledger) -> None:
    one, two = await client.new_member(), await client.new_member(50)
    await client.hold(two, 20)
    before = await ledger.fingerprint()

    answer = await client.merge(one, two)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (409, "member_has_holds", ["/absorbed"])
    assert await ledger.fingerprint() == before


async def test_a_merge_of_unknown_members_is_not_found(client: Api, new_program: MakeProgram) -> None:
    member = await client.new_member()
    other = client.acting_as((await new_program()).admin)

    answers = [
        await client.merge(NOBODY, member),
        await client.merge("nobody", member),
        await other.merge(member, NOBODY),
    ]

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(404, "member_not_found")] * 3


async def test_a_reversed_merge_parts_them_again(client: Api, ledger: Ledger) -> None:
    kept, absorbed = await client.new_member(100), await client.new_member(50)
    operation = (await client.merge(kept, absorbed)).json()["operation_id"]

    answer = await client.reverse(operation)

    undone = answer.json()
    assert (answer.status_code, undone["kind"], undone["reverses"]) == (200, "merge", operation), answer.text
    balances = [(await client.get(f"/members/{member}/balances")).json()["balances"] for member in (kept, absorbed)]
    assert [rows[0]["available"] for rows in balances] == [100, 50]
    assert (await client.get(f"/members/{absorbed}")).json()["status"] == "active"
    assert (await timeline(client, absorbed))[0].startswith("Merge taken back (mistake)")
    assert await ledger.faults() == []


async def test_a_blocked_member_earns_and_spends_nothing(client: Api) -> None:
    member = await client.new_member(100)

    blocked = await client.block(member)

    shown = blocked.json()
    assert (blocked.status_code, shown["id"], shown["status"], shown["reason"]) == (200, member, "blocked", "fraud")
    assert (await client.get(f"/members/{member}")).json()["status"] == "blocked"
    refused = [await client.redeem(member, 10), await client.hold(member, 10), await client.post_order(member)]
    assert [code_of(answer) for answer in refused] == ["member_blocked"] * 3
    again = await client.block(member)
    assert (again.status_code, code_of(again)) == (409, "member_already_blocked")

    free = await client.post(f"/members/{member}/unblock", {"reason": "cleared"})

    assert (free.status_code, free.json()["status"]) == (200, "active")
    assert (await client.redeem(member, 10)).status_code == 201
    assert code_of(await client.post(f"/members/{member}/unblock", {"reason": "cleared"})) == "member_not_blocked"
    assert (await timeline(client, member))[2:6] == [
        "Unblocked (cleared)",
        "Refused: The member is blocked already",
        *["Refused: The member is blocked"] * 2,
    ]


@pytest.mark.parametrize("path", ["block", "unblock"])
async def test_a_status_is_not_changed_without_member_or_reason(client: Api, path: str) -> None:
    member = await client.new_member()

    answers = [
        await client.post(f"/members/{member}/{path}", {}),
        await client.post(f"/members/{NOBODY}/{path}", {"reason": "why"}),
    ]

    assert [code_of(answer) for answer in answers] == ["validation_failed", "member_not_found"]


async def test_a_lot_lasts_longer(client: Api, new_program: MakeProgram) -> None:
    changed = document(time_zone="UTC")
    changed["wallets"][0]["expiry"] = {"kind": "after", "length": {"days": 30}}
    shop = client.acting_as((await new_program(changed)).admin)
    member = await shop.new_member(50)
    [lot] = (await shop.get(f"/members/{member}/lots")).json()["items"]
    until = (datetime.now(UTC) + timedelta(days=90)).isoformat().replace("+00:00", "Z")

    answer = await shop.post(f"/lots/{lot['id']}/changes", {"expires_at": until, "reason": "goodwill"})
    never = await shop.post(f"/lots/{lot['id']}/changes", {"expires_at": None, "reason": "goodwill"})

    shown = answer.json()
    assert (answer.status_code, shown["lot_id"], shown["remaining"], shown["expires_at"]) == (201, lot["id"], 50, until)
    assert shown["before"] == {"available_at": lot["available_at"], "expires_at": lot["expires_at"]}
    assert (never.json()["expires_at"], never.json()["before"]["expires_at"]) == (None, until)
    assert (await shop.get(f"/members/{member}/expirations")).json()["items"] == []


async def test_points_that_wait_are_let_go_by_hand(client: Api, new_program: MakeProgram) -> None:
    changed = document()
    changed["wallets"][0]["activation"] = {"kind": "confirmed"}
    shop = client.acting_as((await new_program(changed)).admin)
    member = await shop.new_member()
    await shop.post_order(member, 5000)
    [lot] = (await shop.get(f"/members/{member}/lots")).json()["items"]

    answer = await shop.post(f"/lots/{lot['id']}/changes", {"activate": True, "reason": "goodwill"})

    shown = answer.json()
    assert (answer.status_code, available(shown), shown["before"]["available_at"]) == (201, 50, None)
    assert (await timeline(shop, member))[0] == "Dates of points changed (goodwill): 50 points can be spent now"
    again = await shop.post(f"/lots/{lot['id']}/changes", {"activate": True, "reason": "goodwill"})
    assert (again.status_code, code_of(again), pointers_of(again)) == (409, "lot_not_pending", ["/activate"])


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({}, 422, "validation_failed", ""),
        ({"activate": False}, 422, "validation_failed", "/activate"),
        ({"expires_at": "tomorrow"}, 422, "validation_failed", "/expires_at"),
        ({"expires_at": "2026-01-15T10:00:00Z"}, 422, "expiry_in_past", "/expires_at"),
        ({"available_at": None}, 422, "validation_failed", "/available_at"),
    ],
)
async def test_a_lot_is_not_changed_to_nonsense(
    client: Api, ledger: Ledger, body: Json, *, status: int, code: str, pointer: str
) -> None:
    member = await client.new_member(50)
    [lot] = (await client.get(f"/members/{member}/lots")).json()["items"]
    before = await ledger.fingerprint()

    answer = await client.post(f"/lots/{lot['id']}/changes", {"reason": "goodwill", **body})

    assert (answer.status_code, code_of(answer)) == (status, code), answer.text
    assert pointer in pointers_of(answer)
    assert await ledger.fingerprint() == before


async def test_a_lot_that_is_empty_foreign_or_unknown_is_not_changed(client: Api, new_program: MakeProgram) -> None:
    member = await client.new_member(50)
    [lot] = (await client.get(f"/members/{member}/lots")).json()["items"]
    other = client.acting_as((await new_program()).admin)
    body = {"expires_at": None, "reason": "goodwill"}
    foreign = await other.post(f"/lots/{lot['id']}/changes", body)
    await client.redeem(member, 50)

    answers = [
        foreign,
        await client.post("/lots/lot_00000000000000000000000000/changes", body),
        await client.post(f"/lots/{lot['id']}/changes", body),
    ]

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [
        (404, "lot_not_found"),
        (404, "lot_not_found"),
        (409, "lot_empty"),
    ]


async def test_a_reversed_adjustment_takes_back_what_it_gave(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    operation = (await client.adjust(member, 80)).json()["operation_id"]

    answer = await client.reverse(operation)

    undone = answer.json()
    assert (answer.status_code, undone["reverses"], undone["kind"]) == (200, operation, "adjustment"), answer.text
    assert (available(undone), undone["recipient_balances"], undone["reason"]) == (0, [], "mistake")
    read = (await client.get(f"/operations/{operation}")).json()
    assert read["reversed_by"] == undone["operation_id"]
    assert (await timeline(client, member))[0] == "Correction taken back (mistake): 80 points taken"
    again = await client.reverse(operation)
    assert (again.status_code, code_of(again)) == (409, "operation_already_reversed")
    assert await ledger.faults() == []


async def test_a_reversed_transfer_goes_back(client: Api, ledger: Ledger) -> None:
    giver, recipient = await client.new_member(300), await client.new_member()
    operation = (await client.transfer(giver, recipient, 120)).json()["operation_id"]

    undone = (await client.reverse(operation)).json()

    balances = [(await client.get(f"/members/{member}/balances")).json()["balances"] for member in (giver, recipient)]
    assert undone["kind"] == "transfer"
    assert [rows[0]["available"] for rows in balances] == [300, 0]
    assert await ledger.faults() == []


async def test_a_reversed_activity_may_count_again_or_not_but_gives_its_points_back(
    client: Api, new_program: MakeProgram
) -> None:
    changed = document()
    changed["earning_rules"].append(
        {"key": "cup", "wallet": "points", "activity": "own_cup", "earn": {"kind": "fixed", "points": 5}}
    )
    shop = client.acting_as((await new_program(changed)).admin)
    member = await shop.new_member()
    operation = (await shop.record_activity(member, "own_cup")).json()["operation_id"]

    undone = (await shop.reverse(operation)).json()

    assert (undone["kind"], available(undone)) == ("activity", 0)


async def test_each_kind_is_reversed_in_its_own_way(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(500)
    order = (await client.post_order(member, 1000)).json()
    redemption = (await client.redeem(member, 50)).json()
    hold = (await client.hold(member, 50)).json()

    undone = [await client.reverse(made["operation_id"]) for made in (order, redemption, hold)]

    assert [answer.status_code for answer in undone] == [200] * 3
    cancelled, restored, voided = (answer.json() for answer in undone)
    assert (cancelled["status"], cancelled["order_id"], cancelled["refund"]) == ("cancelled", order["id"], 1000)
    assert (restored["redemption_id"], restored["points_restored"]) == (redemption["id"], 50)
    assert (voided["status"], voided["redemption_id"], available(voided)) == ("voided", hold["id"], 500)
    again = [await client.reverse(made["operation_id"]) for made in (order, redemption, hold)]
    assert [code_of(answer) for answer in again] == [
        "order_already_cancelled",
        "redemption_already_cancelled",
        "hold_ended",
    ]
    assert await ledger.faults() == []


async def test_what_cannot_be_reversed_is_refused(client: Api, ledger: Ledger) -> None:
    enrolled = (await client.enrol()).json()
    order = (await client.post_order(enrolled["id"], 1000)).json()["id"]
    returned = (await client.take_back(order, "1")).json()["operation_id"]
    before = await ledger.fingerprint()

    answers = [await client.reverse(enrolled["operation_id"]), await client.reverse(returned)]

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(409, "operation_not_reversible")] * 2
    assert await ledger.fingerprint() == before


async def test_an_unknown_or_foreign_operation_is_not_reversed(client: Api, new_program: MakeProgram) -> None:
    operation = (await client.adjust(await client.new_member(), 80)).json()["operation_id"]
    other = client.acting_as((await new_program()).admin)

    answers = [await other.reverse(operation), await client.reverse("op_00000000000000000000000000")]

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(404, "operation_not_found")] * 2
    assert code_of(await client.reverse("x")) == "not_found"
    assert code_of(await client.post(f"/operations/{operation}/reverse", {})) == "validation_failed"


async def test_a_repeated_reversal_gets_the_same_bytes(clients: Api) -> None:
    hold = (await clients.hold(await clients.new_member(100), 50)).json()["operation_id"]

    answers = [await clients.reverse(hold, key="k-1") for _ in range(3)]

    assert {answer.content for answer in answers} == {answers[0].content}
    assert [answer.status_code for answer in answers] == [200] * 3


async def test_a_till_corrects_nothing(client: Api, program: Program, ledger: Ledger) -> None:
    till = client.acting_as(program.till)
    member, other = await client.new_member(100), await client.new_member()
    [lot] = (await client.get(f"/members/{member}/lots")).json()["items"]
    before = await ledger.fingerprint()

    answers = [
        await till.transfer(member, other, 10),
        await till.merge(member, other),
        await till.block(member),
        await till.post(f"/members/{member}/unblock", {"reason": "why"}),
        await till.post(f"/lots/{lot['id']}/changes", {"expires_at": None, "reason": "why"}),
        await till.reverse(lot["operation_id"]),
    ]

    assert [(answer.status_code, code_of(answer), answer.json()["details"]) for answer in answers] == [
        (403, "scope_missing", {"scope": "adjustments:write"})
    ] * 6
    assert await ledger.fingerprint() == before


async def test_merges_are_reversed_from_the_last_to_the_first(client: Api, ledger: Ledger) -> None:
    one, two, three = [await client.new_member(points) for points in (10, 20, 30)]
    first = (await client.merge(two, one)).json()["operation_id"]
    last = (await client.merge(three, two)).json()["operation_id"]
    before = await ledger.fingerprint()

    early = await client.reverse(first)

    assert (early.status_code, code_of(early)) == (409, "operation_not_reversible"), early.text
    assert early.json()["details"] == {"operation_id": first, "kind": "merge", "merged_into": three}
    assert await ledger.fingerprint() == before
    assert [(await client.reverse(operation)).status_code for operation in (last, first)] == [200, 200]
    ends = [(await client.get(f"/members/{member}/balances")).json() for member in (one, two, three)]
    assert [available(end) for end in ends] == [10, 20, 30]
    assert await ledger.faults() == []


async def test_a_transfer_between_members_that_are_one_now_is_not_reversed(client: Api, ledger: Ledger) -> None:
    one, two = await client.new_member(50), await client.new_member()
    transfer = (await client.transfer(one, two, 20)).json()["operation_id"]
    merge = (await client.merge(one, two)).json()["operation_id"]
    before = await ledger.fingerprint()

    refused = await client.reverse(transfer)

    assert (refused.status_code, code_of(refused)) == (409, "operation_not_reversible"), refused.text
    assert await ledger.fingerprint() == before
    assert [(await client.reverse(operation)).status_code for operation in (merge, transfer)] == [200, 200]
    assert available((await client.get(f"/members/{one}/balances")).json()) == 50
    assert await ledger.faults() == []
