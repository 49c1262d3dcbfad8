"""G13: any split and any order of partial returns ends where one return of all these goods ends, to the cent and point."""

import random
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.harness.api import Api, fresh
from tests.harness.crowds import in_crowd, insist, size
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

ORDERS = size(40, 2_000)
KEPT = ("recomputed", "proportional", "none")

Json = dict[str, Any]


def shop(points: str) -> Json:
    """Points expire and pay, bonuses hang on thresholds, stamps wait to be confirmed: all that returns can get wrong."""
    changed = document()
    changed["policies"] = {"returns": {"points": points}}
    changed["wallets"][0]["expiry"] = {"kind": "after", "length": {"months": 12}, "to_end_of": "year"}
    changed["wallets"][2] = {"key": "stamps", "unit": "points", "activation": {"kind": "confirmed"}}
    changed["earning_rules"] += [
        {
            "key": "big",
            "wallet": "points",
            "when": {"fact": "order.total", "at_least": 5000},
            "earn": {"kind": "fixed", "points": 25},
        },
        {"key": "stamp", "wallet": "stamps", "earn": {"kind": "per_unit", "points": 1}},
    ]
    return changed


@dataclass(frozen=True)
class Case:
    """An order, and what comes back of it: all, or some of it."""

    lines: list[Json]
    shipping: int
    points: int
    spends: int
    back: dict[str, int]

    @classmethod
    def draw(cls, dice: random.Random) -> "Case":
        lines: list[Json] = [
            {"id": f"l{n}", "amount": dice.choice([1, 99, 1000, 1999, dice.randrange(1, 7000)]), "quantity": quantity}
            for n, quantity in enumerate(dice.choices([1, 2, 3, 7], k=dice.randint(1, 4)))
        ]
        total = sum(line["amount"] for line in lines)
        back = {
            line["id"]: line["quantity"] if dice.random() < 0.6 else dice.randint(0, line["quantity"]) for line in lines
        }
        back = {line: quantity for line, quantity in back.items() if quantity} or {lines[0]["id"]: 1}
        points = dice.choice([0, 10, dice.randint(10, 90)])
        return cls(
            lines, dice.choice([0, 490]), min(points, total) if total >= 10 else 0, dice.choice([0, 0, 40, 200]), back
        )

    def steps(self, dice: random.Random) -> list[dict[str, int]]:
        """Split what comes back into some returns, in any order."""
        pieces = [line for line, quantity in self.back.items() for _ in range(quantity)]
        dice.shuffle(pieces)
        cuts = sorted(dice.sample(range(1, len(pieces)), dice.randint(0, len(pieces) - 1))) if len(pieces) > 1 else []
        parts = [pieces[start:end] for start, end in zip([0, *cuts], [*cuts, len(pieces)], strict=True)]
        return [{line: part.count(line) for line in dict.fromkeys(part)} for part in parts]


async def play(api: Api, case: Case, steps: list[dict[str, int]]) -> Json:
    """Buy, spend what was earned, return step by step; tell where it ended, and what was paid back on the way."""
    member = (await insist(api.enrol, f"card:{fresh('m')}", key=fresh("k"))).json()["id"]
    for points in (60, 150):
        await insist(api.adjust, member, points, key=fresh("k"))
    payment = {"wallet": "points", "points": case.points} if case.points >= 10 else None
    order = await insist(
        api.post_order,
        member,
        key=fresh("k"),
        lines=case.lines,
        shipping=case.shipping,
        pay_with_points=payment,
        order_id=fresh("o"),
    )
    assert order.status_code == 201, order.text
    if case.spends:
        await insist(api.redeem, member, case.spends, key=fresh("k"))
    answers = []
    for step in steps:
        lines = [{"id": line, "quantity": quantity} for line, quantity in step.items()]
        answer = await insist(api.take_back, order.json()["id"], key=fresh("k"), lines=lines)
        assert answer.status_code == 201, answer.text
        answers.append(answer.json())
    return {
        "refund": sum(answer["refund"] - answer["collect"] for answer in answers),
        "value": sum(answer["value"] for answer in answers),
        "restored": sum(points_of(answer["restored"]) - points_of(answer["repaid"]) for answer in answers),
        "left": answers[-1]["left"],
        "balances": (await api.get(f"/members/{member}/balances")).json()["balances"],
        "lots": await lots_of(api, member),
        "spend": (await api.get(f"/members/{member}")).json()["spend"],
    }


def points_of(part: Json | None) -> int:
    """Return the points of a part of an answer that need not be there."""
    return part["points"] if part else 0


async def lots_of(api: Api, member: str) -> list[tuple[str, str, int]]:
    """Return what each lot holds, told by its place among all and its expiry."""
    rows = (await api.get(f"/members/{member}/lots?all=true&limit=200")).json()["items"]
    return [(row["wallet"], row["expires_at"], row["remaining"]) for row in reversed(rows) if row["remaining"]]


@pytest.mark.parametrize("points", KEPT)
async def test_any_way_of_returning_ends_at_the_same_numbers(
    clients: Api, new_program: MakeProgram, points: str
) -> None:
    program: Program = await new_program(shop(points))
    api = clients.acting_as(program.admin)
    dice = random.Random(f"G13 {points}")
    cases = [Case.draw(dice) for _ in range(ORDERS // len(KEPT))]
    steps = [case.steps(dice) for case in cases]

    at_once = await in_crowd([partial(play, api, case, [case.back]) for case in cases])
    bit_by_bit = await in_crowd([partial(play, api, case, parts) for case, parts in zip(cases, steps, strict=True)])

    assert max(len(parts) for parts in steps) > 2
    for case, parts, whole, split in zip(cases, steps, at_once, bit_by_bit, strict=True):
        assert split == whole, (case, parts)
        assert 0 <= whole["refund"] <= sum(line["amount"] for line in case.lines)
    async with Ledger.open(program) as ledger:
        assert await ledger.faults() == []
        assert await ledger.misfits() == []
