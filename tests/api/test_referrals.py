"""Referrals over HTTP: codes, friends who register, what both get, what is looked at, and what nobody may learn."""

import asyncio
from typing import Any, Final

import pytest

from tests.harness.api import NO_KEY, Api, code_of, fresh, now, order_body, pointers_of
from tests.harness.codes import upload_vouchers
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document
from tests.harness.referrals import (
    FRIENDS,
    WELCOME,
    buy,
    code_of_member,
    pass_days,
    points_of,
    register,
    registered,
    see_referral,
)

Json = dict[str, Any]

UNKNOWN: Final = "0000-0000-0000"
DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015"


def rules(**changes: Any) -> Json:  # noqa: ANN401 - fields of the programme
    """Return a program that earns nothing but by friends."""
    return {**document(), "earning_rules": [], "promotions": [WELCOME], "referrals": [{**FRIENDS, **changes}]}


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(rules(), is_sandbox=True)


def seen(kind: str, digest: str = DIGEST) -> Json:
    return {"kind": kind, "digest": digest}


async def test_a_member_has_a_code_and_a_link_from_its_first_day_on(client: Api) -> None:
    member = await client.new_member()
    answer = (await client.get(f"/members/{member}/referral-code")).json()
    assert answer["member_id"] == member
    plain = answer["code"].replace("-", "")
    assert (len(plain), answer["links"]) == (
        12,
        [{"programme": "friends", "link": f"https://shop.example/r/{plain}"}],
    )
    assert await code_of_member(client, member) == answer["code"]


async def test_both_are_rewarded_once_the_friends_order_has_settled(client: Api, ledger: Ledger) -> None:
    ada, ben = await client.new_member(), await client.new_member()
    answer = await register(client, ben, (await code_of_member(client, ada)).lower().replace("-", " "))
    shown = answer.json()
    assert (answer.status_code, shown["state"], shown["friend_id"], shown["programme"]) == (
        201,
        "registered",
        ben,
        "friends",
    )
    order = await buy(client, ben)
    assert (order["total"], order["referral"]["state"]) == (4000, "registered")
    assert order["referral"]["settles_at"] is not None
    await pass_days(client, 15)
    later = await buy(client, ben, 100)
    assert later["referral"]["rewards"] == [{"side": "friend", "kind": "points", "wallet": "points", "points": 300}]
    assert (await points_of(client, ada), await points_of(client, ben)) == (500, 300)
    referral = await see_referral(client, shown["id"])
    assert (referral["state"], referral["advocate_id"], [proof["counts"] for proof in referral["proofs"]]) == (
        "rewarded",
        ada,
        [True],
    )
    assert [given["side"] for given in referral["rewards"]] == ["friend", "advocate"]
    assert await ledger.faults() == []


async def test_what_comes_back_is_taken_back_from_both_and_the_return_tells_it(client: Api, ledger: Ledger) -> None:
    ada, ben = await client.new_member(), await client.new_member()
    referral = await registered(client, ben, ada)
    order = await buy(client, ben)
    await pass_days(client, 15)
    await buy(client, ben, 100)

    returned = await client.cancel_order(order["id"])

    assert returned.json()["referral"]["state"] == "reversed"
    assert (await points_of(client, ada), await points_of(client, ben)) == (0, 0)
    assert (await see_referral(client, referral))["reasons"] == [{"reason": "came_back", "fingerprint": None}]
    assert await ledger.faults() == []


async def test_a_friend_comes_along_with_its_first_checkout(client: Api) -> None:
    ada, ben = await client.new_member(), await client.new_member()
    brought: Json = {"brought_by": {"code": await code_of_member(client, ada), "fingerprints": [seen("device")]}}

    looked = (await client.evaluate(ben, 5000, **brought)).json()
    assert (looked["total"], looked["referral"]) == (4000, {"state": "registered", "reasons": []})
    assert (await client.get("/referrals")).json()["items"] == []

    order = await buy(client, ben, **brought)
    assert (order["total"], order["referral"]["state"]) == (4000, "registered")
    assert "advocate_id" not in order["referral"]
    [referral] = (await client.get(f"/referrals?friend={ben}")).json()["items"]
    assert (referral["advocate_id"], referral["id"]) == (ada, order["referral"]["id"])


async def test_a_friend_comes_along_with_a_reserved_cart(client: Api, ledger: Ledger) -> None:
    ada, ben = await client.new_member(), await client.new_member()
    body = order_body(ben, 5000, placed_at=now(), brought_by={"code": await code_of_member(client, ada)})
    del body["order_id"]

    reserved = await client.post("/reservations", body)
    assert (reserved.status_code, reserved.json()["total"]) == (201, 4000)
    assert reserved.json()["referral"]["state"] == "registered"
    confirmed = await client.post(f"/reservations/{reserved.json()['id']}/confirm", {"order_id": fresh("o")})
    assert confirmed.json()["referral"]["settles_at"] is not None
    await pass_days(client, 15)
    await buy(client, ben, 100)
    assert (await points_of(client, ada), await points_of(client, ben)) == (500, 300)
    assert await ledger.faults() == []


async def test_who_enrols_with_its_first_order_is_a_friend_by_then(client: Api, ledger: Ledger) -> None:
    ada = await client.new_member()
    code = await code_of_member(client, ada)
    cards = [f"card:{fresh('9')}" for _ in range(3)]
    looked = (await client.evaluate(cards[0], 5000, placed_at=now(), brought_by={"code": code})).json()
    assert (looked["member_id"], looked["total"], looked["referral"]["state"]) == (None, 4000, "registered")

    orders = await asyncio.gather(*[buy(client, card, brought_by={"code": code}) for card in cards * 2])

    assert sorted(order["total"] for order in orders) == [4000, 4000, 4000, 5000, 5000, 5000]
    assert {order["referral"]["state"] for order in orders} == {"registered"}
    assert len({order["member_id"] for order in orders}) == 3
    for card in cards:
        [referral] = (await client.get(f"/referrals?friend={card}")).json()["items"]
        assert (referral["advocate_id"], len(referral["proofs"])) == (ada, 2)
    assert await ledger.faults() == []


@pytest.mark.parametrize("all_or_nothing", [False, True])
async def test_friends_of_one_advocate_come_in_one_batch(client: Api, ledger: Ledger, *, all_or_nothing: bool) -> None:
    ada = await client.new_member()
    brought = {"code": await code_of_member(client, ada)}
    friends = [await client.new_member(), f"card:{fresh('9')}", await client.new_member()]
    orders = [order_body(friend, 5000, placed_at=now(), brought_by=brought) for friend in (*friends, friends[0])]

    answer = await client.post("/orders/batch", {"orders": orders, "all_or_nothing": all_or_nothing}, key=NO_KEY)

    results = [result["body"] for result in answer.json()["results"]]
    assert [result["total"] for result in results] == [4000, 4000, 4000, 5000], answer.text
    assert [result["referral"]["state"] for result in results] == ["registered"] * 4
    assert len((await client.get(f"/referrals?advocate={ada}")).json()["items"]) == 3
    await pass_days(client, 15)
    for friend in friends:
        await buy(client, friend, 100)
    assert await points_of(client, ada) == 1800
    assert await ledger.faults() == []


async def test_a_friend_comes_along_with_an_order_that_waited_for_a_review(
    client: Api, new_program: MakeProgram, ledger: Ledger
) -> None:
    reviewing = {**rules(), "policies": {"orders": {"max_age_days": 7}}}
    shop = client.acting_as((await new_program(reviewing, is_sandbox=True)).admin)
    ada, ben = await shop.new_member(), await shop.new_member()
    placed_at = now()
    await pass_days(shop, 9)
    body: Json = {"brought_by": {"code": await code_of_member(shop, ada), "fingerprints": [seen("device")]}}
    waiting = await shop.post_order(ben, 5000, placed_at=placed_at, **body)
    assert waiting.status_code == 202, waiting.text
    assert (await shop.get("/referrals")).json()["items"] == []

    accepted = await shop.post(f"/order-reviews/{waiting.json()['id']}/accept", {})

    assert (accepted.status_code, accepted.json()["total"]) == (201, 4000), accepted.text
    [referral] = (await shop.get("/referrals")).json()["items"]
    assert (referral["friend_id"], referral["advocate_id"], referral["state"]) == (ben, ada, "registered")
    assert await ledger.faults() == []


async def test_what_a_newcomer_shares_is_seen_at_once(client: Api) -> None:
    ada = await client.new_member()
    await client.post(f"/members/{ada}/fingerprints", {"fingerprints": [seen("payment")]})
    brought = {"code": await code_of_member(client, ada), "fingerprints": [seen("payment")]}
    order = await buy(client, f"card:{fresh('9')}", brought_by=brought)
    assert (order["total"], order["referral"]["state"], order["referral"]["reasons"]) == (
        5000,
        "rejected",
        [{"reason": "shared_with_advocate", "fingerprint": "payment"}],
    )


async def test_an_order_stands_though_its_friend_is_none(client: Api) -> None:
    ada, ben = await client.new_member(), await client.new_member()
    own = await code_of_member(client, ben)
    await registered(client, ben, ada)
    other, gone = await client.new_member(), await client.new_member()
    await client.block(gone)
    carts = [
        (ben, await code_of_member(client, other), "referral_exists"),
        (ben, await code_of_member(client, gone), "referral_exists"),
        (ada, UNKNOWN, "referral_code_not_found"),
        (ada, "no code at all", "referral_code_not_found"),
        (ben, own, "referral_of_self"),
        (None, own, "member_required"),
    ]
    for member, code, refused in carts:
        answer = await client.post_order(member, 1000, brought_by={"code": code})
        assert answer.status_code == 201, answer.text
        told = answer.json()["referral"]
        assert (told["state"], told["refused"]) == (None, refused), (member, told)
    assert len((await client.get("/referrals")).json()["items"]) == 1


async def test_a_repeated_registration_gets_the_same_answer(client: Api) -> None:
    ada, ben, key = await client.new_member(), await client.new_member(), fresh("k")
    code = await code_of_member(client, ada)
    first, again = await register(client, ben, code, key=key), await register(client, ben, code, key=key)
    assert (first.status_code, first.content) == (201, again.content)
    other = await register(client, ben, UNKNOWN, key=key)
    assert code_of(other) == "idempotency_key_reused"


async def test_the_next_rung_and_what_is_left_of_limits_are_told(client: Api) -> None:
    ada = await client.new_member()
    for _ in range(2):
        ben = await client.new_member()
        await registered(client, ben, ada)
        await buy(client, ben)
    await pass_days(client, 15)
    for referral in (await client.get(f"/referrals?advocate={ada}")).json()["items"]:
        await buy(client, referral["friend_id"], 100)
    shown = (await client.get(f"/members/{ada}/referrals?limit=1")).json()
    reward = {"kind": "points", "wallet": "points", "points": 800, "pool": None}
    assert shown["programmes"] == [
        {
            "programme": "friends",
            "friends": 2,
            "rewards": [reward],
            "next_rung": None,
            "limits": [{"friends": 10, "period": "month", "used": 2, "left": 8}],
        }
    ]
    assert (len(shown["items"]), shown["next_cursor"] is not None, shown["brought_by"]) == (1, True, None)
    rest = (await client.get(f"/members/{ada}/referrals?limit=1&cursor={shown['next_cursor']}")).json()
    assert [one["id"] for one in rest["items"]] != [one["id"] for one in shown["items"]]
    assert rest["next_cursor"] is None
    friend = shown["items"][0]["friend_id"]
    assert (await client.get(f"/members/{friend}/referrals")).json()["brought_by"]["advocate_id"] == ada


async def test_lists_find_by_state_side_and_programme(client: Api) -> None:
    ada, ben, cleo = [await client.new_member() for _ in range(3)]
    await client.post(f"/members/{ada}/fingerprints", {"fingerprints": [seen("device")]})
    waiting = await registered(client, ben, ada, fingerprints=[seen("device")])
    plain = await registered(client, cleo, ada)

    async def ids(query: str) -> list[str]:
        answer = await client.get(f"/referrals?{query}")
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert await ids("") == [plain, waiting]
    assert await ids("state=in_review") == [waiting]
    assert await ids("state=registered") == [plain]
    assert await ids(f"advocate={ada}&limit=1") == [plain]
    assert await ids(f"friend={ben}&advocate={ada}") == [waiting]
    assert await ids("programme=other") == []
    await pass_days(client, 61)
    assert await ids("state=in_review") == []
    assert await ids("state=rejected") == [plain, waiting]
    assert (await see_referral(client, plain))["reasons"] == [{"reason": "not_in_time", "fingerprint": None}]


async def test_what_is_suspicious_waits_for_a_look(client: Api, ledger: Ledger) -> None:
    ada, ben = await client.new_member(), await client.new_member()
    kept = await client.post(f"/members/{ada}/fingerprints", {"fingerprints": [seen("device"), seen("device")]})
    assert (kept.status_code, kept.json()["fingerprints"]) == (201, 1)
    referral = await registered(client, ben, ada, fingerprints=[seen("device")])
    assert (await see_referral(client, referral))["reasons"] == [
        {"reason": "shared_with_advocate", "fingerprint": "device"}
    ]
    await buy(client, ben)
    await pass_days(client, 15)
    assert await points_of(client, ada) == 0

    approved = await client.post(f"/referrals/{referral}/review", {"verdict": "approve", "reason": "one_household"})

    assert (approved.status_code, approved.json()["state"], approved.json()["reason"]) == (
        200,
        "rewarded",
        "one_household",
    )
    assert (await points_of(client, ada), await points_of(client, ben)) == (500, 300)
    again = await client.post(f"/referrals/{referral}/review", {"verdict": "approve", "reason": "one_household"})
    assert (again.status_code, code_of(again)) == (409, "referral_not_in_review")
    rejected = await client.post(f"/referrals/{referral}/review", {"verdict": "reject", "reason": "second_look"})
    assert (rejected.json()["state"], rejected.json()["rewards"]) == ("rejected", [])
    assert (await points_of(client, ada), await points_of(client, ben)) == (0, 0)
    assert (await see_referral(client, referral))["verdict"] == "rejected"
    assert await ledger.faults() == []


BAD: Final[dict[str, tuple[Json, int, str, str]]] = {
    "no code": ({"code": None}, 422, "validation_failed", "/code"),
    "an unknown code": ({"code": UNKNOWN}, 422, "referral_code_not_found", "/code"),
    "no text of a code": ({"code": "!?"}, 422, "referral_code_not_found", "/code"),
    "an endless code": ({"code": "0" * 5000}, 422, "validation_failed", "/code"),
    "an unknown member": ({"member": "card:nobody"}, 404, "member_not_found", "/member"),
    "no member": ({"member": "nobody"}, 422, "validation_failed", "/member"),
    "an unknown programme": ({"programme": "other"}, 422, "referrals_not_offered", "/programme"),
    "a malformed digest": (
        {"fingerprints": [seen("device", "a b c d e f g h i j")]},
        422,
        "validation_failed",
        "/fingerprints/0/digest",
    ),
    "a short digest": ({"fingerprints": [seen("device", "abc")]}, 422, "validation_failed", "/fingerprints/0/digest"),
    "an unknown kind": ({"fingerprints": [seen("shoe")]}, 422, "validation_failed", "/fingerprints/0/kind"),
    "too many fingerprints": (
        {"fingerprints": [seen("device", f"{n:032d}") for n in range(21)]},
        422,
        "validation_failed",
        "/fingerprints",
    ),
    "an unknown field": ({"friend": "x"}, 422, "validation_failed", "/friend"),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_registers_nobody(client: Api, name: str) -> None:
    changes, status, code, pointer = BAD[name]
    ada, ben = await client.new_member(), await client.new_member()
    body = {"member": ben, "code": await code_of_member(client, ada), **changes}

    answer = await client.post("/referrals", {field: value for field, value in body.items() if value is not None})

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (status, code, [pointer])
    assert (await client.get("/referrals")).json()["items"] == []


async def test_who_may_not_be_a_friend_or_bring_one_is_refused(client: Api, ledger: Ledger) -> None:
    ada, ben, old, gone = [await client.new_member() for _ in range(4)]
    codes = {member: await code_of_member(client, member) for member in (ada, ben, gone)}
    await buy(client, old, 100)
    await client.block(gone)
    await registered(client, ben, ada)
    before = await ledger.counts()
    refused = [
        await register(client, ada, codes[ada]),
        await register(client, ben, codes[ada]),
        await register(client, old, codes[ada]),
        await register(client, ada, codes[gone]),
        await register(client, gone, codes[ada]),
    ]
    assert [(answer.status_code, code_of(answer), *pointers_of(answer)) for answer in refused] == [
        (422, "referral_of_self", "/code"),
        (409, "referral_exists", "/member"),
        (409, "friend_not_new", "/member"),
        (409, "member_blocked", "/code"),
        (409, "member_blocked", "/member"),
    ]
    after = await ledger.counts()
    assert {name for name in after if after[name] != before[name]} <= {"idempotency", "refusal"}
    assert len((await client.get("/referrals")).json()["items"]) == 1


async def test_what_is_not_there_is_not_found(client: Api) -> None:
    nobody = "rfl_01m8054496erxvcc6weqy7k3j5"
    verdict = {"verdict": "approve", "reason": "why"}
    answers = [
        (await client.get(f"/referrals/{nobody}"), "referral_not_found"),
        (await client.get("/referrals/mem_1"), "not_found"),
        (await client.post(f"/referrals/{nobody}/review", verdict), "referral_not_found"),
        (await client.get("/members/card:nobody/referral-code"), "member_not_found"),
        (await client.get("/members/card:nobody/referrals"), "member_not_found"),
        (await client.get("/referrals?advocate=card:nobody"), "member_not_found"),
        (
            await client.post("/members/card:nobody/fingerprints", {"fingerprints": [seen("device")]}),
            "member_not_found",
        ),
    ]
    assert [(answer.status_code, code_of(answer)) for answer, _ in answers] == [(404, code) for _, code in answers]
    wrong = await client.get("/referrals?state=invited")
    assert (wrong.status_code, code_of(wrong), pointers_of(wrong)) == (422, "validation_failed", ["state"])


async def test_a_program_without_referrals_has_codes_but_no_friends(client: Api, new_program: MakeProgram) -> None:
    shop = client.acting_as((await new_program(document())).admin)
    ada, ben = await shop.new_member(), await shop.new_member()
    code = (await shop.get(f"/members/{ada}/referral-code")).json()
    assert code["links"] == []
    answer = await register(shop, ben, code["code"])
    assert (answer.status_code, code_of(answer), answer.json()["details"]) == (
        422,
        "referrals_not_offered",
        {"known": []},
    )
    order = await shop.post_order(ben, 1000, brought_by={"code": code["code"]})
    assert order.json()["referral"]["refused"] == "referrals_not_offered"


async def test_who_guesses_codes_of_members_has_to_wait(client: Api, program: Program) -> None:
    shop = client.acting_as(await program.add_token(scopes=["referrals:write", "orders:write", "evaluations:read"]))
    ada, ben = await client.new_member(), await client.new_member()
    for n in range(10):
        told = await register(shop, ben, f"0000-0000-{n:04d}")
        assert code_of(told) == "referral_code_not_found"
        looked = await shop.evaluate(ben, brought_by={"code": f"0000-0001-{n:04d}"})
        assert looked.json()["referral"]["refused"] == "referral_code_not_found"
        placed = await shop.post_order(ben, brought_by={"code": f"0000-0002-{n:04d}"})
        assert placed.json()["referral"]["refused"] == "referral_code_not_found"
    code = await code_of_member(client, ada)
    waiting = [
        await register(shop, ben, code),
        await shop.evaluate(ben, brought_by={"code": code}),
        await shop.post_order(ben, brought_by={"code": code}),
    ]
    assert [(answer.status_code, code_of(answer)) for answer in waiting] == [(429, "too_many_guesses")] * 3
    assert all(int(answer.headers["retry-after"]) > 0 for answer in waiting)
    other = await client.new_member()
    assert (await register(shop, other, code)).status_code == 201
    assert (await shop.post_order(ben)).status_code == 201
    trusted = await register(client, await client.new_member(), UNKNOWN)
    assert code_of(trusted) == "referral_code_not_found"


async def test_checkouts_learn_neither_whose_code_it_was_nor_who_has_which(client: Api, program: Program) -> None:
    till = client.acting_as(program.till)
    ada, ben = await client.new_member(), await client.new_member()
    code = await code_of_member(client, ada)
    place = {"location": "store-1"}
    order = await till.post_order(
        ben,
        5000,
        placed_at=now(),
        receipt={**place, "till": "1", "business_date": "2026-11-21", "number": fresh()[:20]},
        brought_by={"code": code},
    )
    assert (order.status_code, order.json()["referral"]["state"]) == (201, "registered")
    assert ada not in order.text
    refused = [
        await till.get(f"/members/{ada}/referral-code"),
        await till.get(f"/members/{ada}/referrals"),
        await till.get("/referrals"),
        await till.get(f"/referrals/{order.json()['referral']['id']}"),
        await register(till, ben, code),
        await till.post(f"/members/{ada}/fingerprints", {"fingerprints": [seen("device")]}),
    ]
    assert [code_of(answer) for answer in refused] == ["scope_missing"] * 6


async def test_statements_and_explanations_say_what_became_of_a_friend(client: Api, program: Program) -> None:
    ada, ben = await client.new_member(), await client.new_member()
    referral = await registered(client, ben, ada)
    order = await buy(client, ben)
    await pass_days(client, 15)
    await buy(client, ben, 100)
    await client.cancel_order(order["id"])

    async def lines(member: str) -> list[str]:
        entries = (await client.get(f"/members/{member}/timeline")).json()["items"]
        return [entry["summary"] for entry in entries if entry["kind"].startswith("referral")]

    assert await lines(ben) == [
        f"No friend any more of {ada}: 300 points taken",
        f"Rewarded as a friend of {ada}: 300 points earned",
        f"Registered as a friend of {ada}",
    ]
    assert await lines(ada) == [
        f"Counts as a friend no more: {ben}: 500 points taken",
        f"Rewarded for the friend {ben}: 500 points earned",
        f"Brought as a friend: {ben}",
    ]
    till = client.acting_as(program.till)
    seen_by_till = [(await till.get(f"/members/{one}/timeline")).text for one in (ada, ben)]
    assert (ben in seen_by_till[0], ada in seen_by_till[1]) == (False, False)
    assert [
        line in seen_by_till[0] for line in ("A friend counts no more", "for a friend: 500", "Brought a friend")
    ] == [True] * 3
    assert [line in seen_by_till[1] for line in ("No friend any more: 300", "Rewarded as a friend: 300 points")] == [
        True
    ] * 2
    explained = (await client.get(f"/operations/op_{referral.removeprefix('rfl_')}/explanation")).json()
    assert explained["text"] == ["friends: registered, and waits for what counts"]
    taken = (await client.get(f"/members/{ben}/timeline")).json()["items"]
    [reversal] = [entry["id"] for entry in taken if entry["kind"] == "referral_reversal"]
    assert (await client.get(f"/operations/{reversal}/explanation")).json()["text"] == [
        "friends: counts no more, and gives back what it gave",
        "friends: what it counted for came back",
    ]
    refused = await client.post_order(ben, brought_by={"code": UNKNOWN})
    text = (await client.get(f"/operations/{refused.json()['operation_id']}/explanation")).json()["text"]
    assert "friend: not registered, no member has this referral code" in text


async def test_codes_given_to_both_can_be_used_until_the_order_comes_back(
    client: Api, new_program: MakeProgram, ledger: Ledger
) -> None:
    code = {"rewards": [{"kind": "code", "pool": "thanks"}]}
    five = {"key": "five_off", "opened_by": "code", "effect": {"kind": "amount_off", "amount": 500}}
    rewarding = {**rules(friend=code, advocate={"ladder": [code]}), "promotions": [five]}
    shop = client.acting_as((await new_program(rewarding, is_sandbox=True)).admin)
    pool = {"pool": "thanks", "kind": "personal", "pattern": "TNX-#####-#####"}
    made = await shop.post("/promotions/five_off/codes", pool)
    assert made.status_code == 201, made.text
    ada, ben = await shop.new_member(), await shop.new_member()
    await registered(shop, ben, ada)
    order = await buy(shop, ben)
    await pass_days(shop, 15)
    later = await buy(shop, ben, 1000)
    [given] = later["referral"]["rewards"]
    [own] = (await shop.get(f"/members/{ada}/codes")).json()["items"]
    assert (given["kind"], (await buy(shop, ada, 1000, codes=[own["code"]]))["total"]) == ("code", 500)
    await shop.cancel_order(order["id"])
    shown = (await shop.get("/program/clock")).json()["now"]
    late = await shop.post_order(ben, 1000, placed_at=shown, codes=[given["code"]])
    assert (late.status_code, late.json()["details"]["codes"][0]["reason"]) == (409, "paused")
    assert await ledger.faults() == []


@pytest.mark.parametrize("together", [False, True])
async def test_a_batch_that_brings_a_friend_gives_it_its_codes(
    client: Api, new_program: MakeProgram, ledger: Ledger, *, together: bool
) -> None:
    """The second order counts at once; nothing was known of the friend when the first one was read."""
    code = {"rewards": [{"kind": "code", "pool": "thanks"}]}
    at_once = {"qualifies": {"kind": "order", "at_least": 3000}, "friend": code, "advocate": {"ladder": [code]}}
    shop = client.acting_as((await new_program({**rules(**at_once), "promotions": []}, is_sandbox=True)).admin)
    await upload_vouchers(shop, "thanks", ["TH4NK-1", "TH4NK-2", "TH4NK-3", "TH4NK-4"])
    ada, friends = await shop.new_member(), [await shop.new_member(), f"card:{fresh('9')}"]
    brought: Json = {"brought_by": {"code": await code_of_member(shop, ada)}}
    small, large = friends
    orders = [
        order_body(small, 1000, placed_at=now(), **brought),
        order_body(large, 5000, placed_at=now(), **brought),
        order_body(small, 5000, placed_at=now()),
    ]

    answer = await shop.post("/orders/batch", {"orders": orders, "all_or_nothing": together}, key=NO_KEY)

    told = [result["body"]["referral"] for result in answer.json()["results"]]
    assert [(one["state"], one["reasons"], len(one["rewards"])) for one in told] == [
        ("registered", [], 0),
        ("rewarded", [], 1),
        ("rewarded", [], 1),
    ]
    assert len((await shop.get(f"/members/{ada}/codes")).json()["items"]) == 2
    assert await ledger.faults() == []


async def test_a_friend_whose_reward_is_due_cannot_come_along_for_somebody_else(client: Api, ledger: Ledger) -> None:
    ada, ben, cleo = [await client.new_member() for _ in range(3)]
    referral = await registered(client, ben, ada)
    await buy(client, ben)
    await pass_days(client, 15)
    brought: Json = {"brought_by": {"code": await code_of_member(client, cleo)}}
    refused = {"state": None, "refused": "referral_exists", "details": {"referral_id": referral}}

    looked = (await client.evaluate(ben, 100, **brought)).json()
    order = await buy(client, ben, 100, **brought)

    assert (looked["referral"], order["referral"]) == (refused, refused)
    assert [row["available"] for row in order["balances"] if row["wallet"] == "points"] == [300]
    assert [await points_of(client, one) for one in (ada, ben, cleo)] == [500, 300, 0]
    assert await ledger.faults() == []


async def test_a_friend_learns_nothing_of_what_its_advocate_did_not_get(
    client: Api, new_program: MakeProgram, ledger: Ledger
) -> None:
    code = {"kind": "code", "pool": "thanks"}
    terms = {
        "friend": {"rewards": [code, {"kind": "points", "wallet": "points", "points": 300}]},
        "advocate": {"ladder": [{"rewards": [code]}], "limits": [{"friends": 1}]},
        "qualifies": {"kind": "order", "at_least": 3000},
    }
    shop = client.acting_as((await new_program(rules(**terms), is_sandbox=True)).admin)
    await upload_vouchers(shop, "thanks", ["TH4NK-1"])
    ada, ben, cleo, dora = [await shop.new_member() for _ in range(4)]
    referrals = [await registered(shop, friend, ada) for friend in (ben, cleo, dora)]

    told = [(await buy(shop, friend))["referral"] for friend in (ben, cleo)]
    await shop.post(f"/members/{ada}/block", {"reason": "fraud"})
    told.append((await buy(shop, dora))["referral"])

    assert [(one["state"], [why["reason"] for why in one["reasons"]]) for one in told] == [
        ("rewarded", []),
        ("rewarded", ["no_code_left"]),
        ("in_review", []),
    ]
    whole = [[why["reason"] for why in (await see_referral(shop, one))["reasons"]] for one in referrals]
    assert whole == [["no_code_for_advocate"], ["limit_reached", "no_code_left"], ["advocate_blocked"]]
    assert await ledger.faults() == []


async def test_everything_works_together_in_one_checkout(client: Api, new_program: MakeProgram, ledger: Ledger) -> None:
    """Earning, paying with points, a promo code, a tier and a friend, in one call."""
    tiers = {
        "key": "status",
        "metric": {"kind": "spend"},
        "window": {"kind": "lifetime"},
        "tiers": [{"key": "silver", "at_least": 1000}],
    }
    off = {"key": "spring", "opened_by": "code", "effect": {"kind": "amount_off", "amount": 200}}
    all_of_it = {
        **rules(),
        "earning_rules": document()["earning_rules"],
        "promotions": [WELCOME, off],
        "tier_sets": [tiers],
    }
    shop = client.acting_as((await new_program(all_of_it, is_sandbox=True)).admin)
    await shop.post("/promotions/spring/codes", {"pool": "spring", "kind": "shared", "code": "SPRING"})
    ada, ben = await shop.new_member(), await shop.new_member(points=100)
    order = await buy(
        shop,
        ben,
        codes=["spring"],
        pay_with_points={"wallet": "points", "points": 100},
        brought_by={"code": await code_of_member(shop, ada)},
    )
    assert (order["total"], order["due"], order["referral"]["state"]) == (3800, 3700, "registered")
    assert [code["used"] for code in order["codes"]] == [True]
    assert [(move["from"], move["tier"]) for move in order["tiers"]] == [(None, "silver")]
    assert [(effect["wallet"], effect["points"]) for effect in order["effects"]] == [("points", 37)]
    assert await ledger.faults() == []


@pytest.mark.parametrize("window", [{"kind": "lifetime"}, {"kind": "rolling", "length": {"days": 100}}])
async def test_points_for_friends_lead_both_up_a_ladder_and_down_again(
    client: Api, new_program: MakeProgram, ledger: Ledger, window: Json
) -> None:
    status = {
        "key": "status",
        "metric": {"kind": "points_earned", "wallet": "points"},
        "window": window,
        "tiers": [{"key": "silver", "at_least": 300}, {"key": "gold", "at_least": 900}],
    }
    shop = client.acting_as((await new_program({**rules(), "tier_sets": [status]}, is_sandbox=True)).admin)
    ada, ben, cleo = [await shop.new_member() for _ in range(3)]

    async def tiers() -> list[str | None]:
        shown = [(await shop.get(f"/members/{member}/tiers")).json() for member in (ada, ben)]
        return [answer["tiers"][0]["tier"] for answer in shown]

    for friend in (ben, cleo):
        await registered(shop, friend, ada)
    orders = [await buy(shop, friend) for friend in (ben, cleo)]
    assert await tiers() == [None, None]
    await pass_days(shop, 15)
    for friend in (ben, cleo):
        later = await buy(shop, friend, 100)
        assert [(move["from"], move["tier"]) for move in later["tiers"]] == [(None, "silver")]
    assert await tiers() == ["gold", "silver"]
    await pass_days(shop, 20)
    await shop.cancel_order(orders[0]["id"])
    assert await tiers() == ["silver", None]
    await shop.cancel_order(orders[1]["id"])
    assert await tiers() == [None, None]
    assert await ledger.faults() == []


async def test_an_activity_counts_until_it_is_reversed(client: Api, new_program: MakeProgram, ledger: Ledger) -> None:
    shop = client.acting_as(
        (await new_program(rules(qualifies={"kind": "activity", "activity": "own_cup"}), is_sandbox=True)).admin
    )
    ada, ben = await shop.new_member(), await shop.new_member()
    await registered(shop, ben, ada)
    shown = (await shop.get("/program/clock")).json()["now"]
    done = (await shop.record_activity(ben, "own_cup", occurred_at=shown)).json()
    assert (done["referral"]["state"], done["balances"][0]["available"]) == ("rewarded", 300)
    assert await points_of(shop, ada) == 500

    taken = (await shop.reverse(done["operation_id"])).json()

    assert taken["referral"]["state"] == "reversed"
    assert (await points_of(shop, ada), await points_of(shop, ben)) == (0, 0)
    assert await ledger.faults() == []


async def test_points_that_are_due_for_friends_can_be_spent_before_anything_runs(client: Api, ledger: Ledger) -> None:
    ada, ben = await client.new_member(), await client.new_member()
    await registered(client, ben, ada)
    await buy(client, ben)
    await pass_days(client, 15)

    spent = await client.redeem(ben, 300)

    assert (spent.status_code, spent.json()["referral"]["state"]) == (201, "rewarded"), spent.text
    assert (await points_of(client, ada), await points_of(client, ben)) == (500, 0)
    assert await ledger.faults() == []


async def test_an_edited_order_counts_by_what_is_left_of_it(client: Api, ledger: Ledger) -> None:
    ada, ben = await client.new_member(), await client.new_member()
    referral = await registered(client, ben, ada)
    order = await buy(client, ben, 4000)
    edit = {"lines": [{"amount": 2000}], "reason": "changed_mind"}
    edited = await client.post(f"/orders/{order['id']}/edits", edit)
    assert edited.status_code == 201, edited.text
    assert edited.json()["referral"]["settles_at"] is None
    assert (await see_referral(client, referral))["proofs"] == []
    assert await ledger.faults() == []


async def test_what_settled_long_ago_counts_at_once(client: Api, ledger: Ledger) -> None:
    """An order that was edited up, claimed or reported late has waited already: both are rewarded in its answer."""
    ada, (ben, cleo, dan) = await client.new_member(), [await client.new_member() for _ in range(3)]
    for friend in (ben, cleo, dan):
        await registered(client, friend, ada)
    small = await buy(client, ben, 2000)
    now = (await client.get("/program/clock")).json()["now"]
    guest = (await client.post_order(None, 4000, placed_at=now)).json()
    await pass_days(client, 15)

    answers = [
        await client.post(f"/orders/{small['id']}/edits", {"lines": [{"amount": 4000}], "reason": "forgotten"}),
        await client.post(f"/orders/{guest['id']}/claim", {"member": cleo}),
        await client.post_order(dan, 4000, placed_at=now),
    ]

    assert [answer.json().get("referral", {}).get("state") for answer in answers] == ["rewarded"] * 3, answers
    assert [await points_of(client, one) for one in (ada, ben, cleo, dan)] == [1800, 300, 300, 300]
    assert await ledger.faults() == []
