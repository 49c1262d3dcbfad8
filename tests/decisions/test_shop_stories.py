"""Runs the stories of ``shops``: what the example programs give to a member for one purchase or activity after another.

Orders and activities are written as shops send them. ``member`` is what is known of the member before, ``counters`` how
much of a rule's budget is used, ``used`` any other shared counter, ``then`` what the member has in the end. Where
promotions play, ``saves`` is what each takes off, ``gifts`` what the shop is to add, ``total`` what is to be paid. Where
there are ladders, ``leads`` is to which tier, by set.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from loyalty_engine.api.documents import read_yaml
from loyalty_engine.api.schemas.activities import ActivityBody
from loyalty_engine.api.schemas.orders import OrderBody
from loyalty_engine.application.publishing import Prepared, prepare
from loyalty_engine.core.engine.decision import Accepted, Refused
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import PlaceOrder, Profile, RecordActivity, Request
from loyalty_engine.core.engine.ruleset import compile_ruleset
from loyalty_engine.core.kernel.instants import parse_day, parse_instant
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.reading import parse_program
from tests.core.engine_cases import call, lot
from tests.decisions.stories import MEMBERS, Story, new_member, shown

Json = Mapping[str, Any]

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
TELLINGS: Final = sorted((Path(__file__).parent / "shops").glob("*.yaml"))
SHOPS: Final = [path.stem for path in TELLINGS]
STORIES: Final[dict[str, list[Json]]] = {path.stem: read_yaml(path.read_bytes()) for path in TELLINGS}
ALL: Final = [
    pytest.param(shop, story, id=f"{shop}: {story['story']}") for shop, stories in STORIES.items() for story in stories
]


@cache
def read_shop(shop: str) -> Prepared:
    program = parse_program(read_yaml((EXAMPLES / f"{shop}.yaml").read_bytes()))
    assert isinstance(program, Program), program
    prepared = prepare(program)
    assert isinstance(prepared, Prepared), prepared
    return prepared


def read_member(told: Json) -> MemberState:
    """Return a member of whom only what the story tells is known; enrolled on New Year's Day unless it says so."""
    enrolled_at = parse_instant(told.get("enrolled_at", "2026-01-01T00:00:00Z"))
    birthday = parse_day(told["birthday"]) if "birthday" in told else None
    return replace(
        new_member("anna"),
        enrolled_at=enrolled_at,
        orders=told.get("orders", 0),
        spend=told.get("spend", 0),
        first_order_at=enrolled_at if "orders" in told else None,
        last_order_at=parse_instant(told["last_order_at"]) if "last_order_at" in told else None,
        balances={wallet: Balance(available=amount) for wallet, amount in told.get("balances", {}).items()},
        lots=tuple(
            replace(lot(amount), member_id=MEMBERS["anna"], wallet=w) for w, amount in told.get("balances", {}).items()
        ),
        sees_lots=True,
        profile=Profile(birthday=birthday, attributes=told.get("attributes", {})),
    )


class ShopStory(Story):
    """A story whose requests come in the form of the API."""

    def read_request(self, n: int, step: Json, member: UUID | None) -> Request:
        assert member is not None
        if "order" in step:
            body = {"order_id": f"W-{n}", "currency": self.ruleset.currency, **step["order"]}
            order = OrderBody.model_validate_json(json.dumps(body))
            return PlaceOrder(call(n), member, order.as_order_at(order.placed_at, None), order.as_payment())
        said = ActivityBody.model_validate_json(json.dumps({"member": "card:1", **step["activity"]}))
        return RecordActivity(
            call(n), member, said.kind, said.occurred_at, said.subject, said.location, said.attributes
        )


def open_story(shop: str, told: Json) -> Story:
    """Return the story before its first step."""
    budgets = {f"earning/{rule}/points/lifetime/": used for rule, used in told.get("counters", {}).items()}
    return ShopStory(
        compile_ruleset(read_shop(shop).parts, 1, find_zone=ZoneInfo),
        members={"anna": read_member(told.get("member", {}))},
        shared={**budgets, **told.get("used", {})},
    )


def priced(answer: Json) -> tuple[int, Json, Json]:
    """Return what is to be paid, what each promotion takes off, and what is to be added."""
    saves = {discount["promotion"]: discount["amount"] for discount in answer["discounts"]}
    gifts = {gift["promotion"]: {gift["sku"]: gift["quantity"]} for gift in answer["gifts"]}
    return answer["total"], saves, gifts


@pytest.mark.parametrize(("shop", "told"), ALL)
def test_a_story_comes_out_as_it_is_told(shop: str, told: Json) -> None:
    story = open_story(shop, told)
    for n, step in enumerate(told["steps"], start=1):
        decision = story.decide(n, step)
        if "refused" in step:
            assert isinstance(decision, Refused), step
            assert decision.refusal.code == step["refused"]
            continue
        assert isinstance(decision, Accepted), (step, decision)
        effects = decision.changes.answer["effects"]
        assert {effect["rule"]: f"{effect['points']} {effect['wallet']}" for effect in effects} == step["earns"], step
        if "total" in step:
            assert priced(decision.changes.answer) == (step["total"], step["saves"], step.get("gifts", {})), step
        led = {move["set"]: move["tier"] for move in decision.changes.answer.get("tiers", ())}
        assert led == step.get("leads", {}), step
        reasons, why_not = shown(story, decision.changes), step.get("why_not", {})
        assert {rule: reasons[rule]["code"] for rule in why_not} == why_not, step
    balances = {wallet: balance.available for wallet, balance in story.members["anna"].balances.items()}
    assert balances == told.get("then", balances)


def test_there_are_stories_of_seven_kinds_of_shop() -> None:
    others = ["coffee_shop", "corner_grocer", "fashion_store", "flower_shop", "online_service"]
    assert [*others, "outdoor_shop", "roastery"] == SHOPS


@pytest.mark.parametrize("shop", SHOPS)
def test_every_rule_of_an_example_gives_something_in_a_story(shop: str) -> None:
    giving = {rule for story in STORIES[shop] for step in story["steps"] for rule in step.get("earns", {})}
    assert [rule.key for rule in read_shop(shop).program.earning_rules if rule.key not in giving] == []


@pytest.mark.parametrize("shop", SHOPS)
def test_every_promotion_of_an_example_gives_something_in_a_story(shop: str) -> None:
    steps = [step for story in STORIES[shop] for step in story["steps"]]
    giving = {promotion for step in steps for promotion in (*step.get("saves", {}), *step.get("gifts", {}))}
    assert [one.key for one in read_shop(shop).program.promotions if one.key not in giving] == []


@pytest.mark.parametrize("shop", SHOPS)
def test_an_example_begins_with_its_story_and_has_no_warnings(shop: str) -> None:
    head = (EXAMPLES / f"{shop}.yaml").read_text(encoding="utf-8").partition("\nversion:")[0].splitlines()
    assert 3 <= len(head) <= 5
    assert all(line.startswith("# ") for line in head)
    program = read_shop(shop).program
    assert 8 <= max(len(program.promotions), len(program.earning_rules)) <= 16
    assert read_shop(shop).faults == ()
