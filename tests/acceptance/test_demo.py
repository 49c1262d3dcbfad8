"""The demo's replay, of a few literal receipts against real processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from loyalty_engine.application.scopes import TILL
from tests.cli.demo.tables import LiteralTables
from tests.harness.programs import MakeProgram, Program, document
from tests.harness.servers import Servers, find_ports

pytest.importorskip("aiohttp", reason="part of the extra demo and of the group dev")

from loyalty_engine.cli.demo.calls import Place
from loyalty_engine.cli.demo.departments import sum_departments
from loyalty_engine.cli.demo.play import Played, Run, play
from loyalty_engine.cli.demo.proof import compare, expect_points
from loyalty_engine.cli.demo.tills import Advance
from loyalty_engine.cli.failures import FailureError

ROOT = Path(__file__).parents[2]
DEFAULT: dict[str, Any] = yaml.safe_load((ROOT / "examples/supermarket_demo.yaml").read_text(encoding="utf-8"))
TABLES = LiteralTables()

HELD = {
    900: {"points": 182},
    906: {"points": 53},
    1228: {"points": 20, "cashback": 20},
}


class SilentScreen:
    @contextmanager
    def progress(self, _what: str, _total: int, /) -> Iterator[Advance]:
        yield lambda: None


@pytest.fixture
async def shop(new_program: MakeProgram) -> Program:
    return await new_program(DEFAULT)


async def replay(
    servers: Servers, shop: Program, *, receipts: int | None = None, tills: int = 2, shuffle: int | None = None
) -> Played:
    office = Place(servers[0].url, shop.admin)
    till = Place(servers[1].url, await shop.add_token(scopes=TILL))
    return await play(office, till, Run(TABLES, receipts, tills, shuffle, SilentScreen()))


async def test_receipts_are_replayed_once_however_often_they_are_sent(servers: Servers, shop: Program) -> None:
    first = await replay(servers, shop)
    assert (first.before.members, first.before.operations, first.before.outstanding) == (0, 0, {})
    assert (first.replay.repeated, first.changed_nothing, first.holds_others) == (0, False, False)
    assert first.balances == HELD
    assert first.after.broken == ()
    assert (first.after.members, first.after.operations) == (3, 7)
    assert first.after.outstanding == {"points": 255, "cashback": 20}

    again = await replay(servers, shop)
    assert (again.replay.repeated, again.changed_nothing, again.holds_others) == (4, True, False)
    assert again.after == first.after
    assert (again.balances, again.credited) == (first.balances, first.credited)


async def test_what_was_sent_before_is_told_apart_from_what_is_new(servers: Servers, shop: Program) -> None:
    part = await replay(servers, shop, receipts=2)
    assert [receipt.number for receipt in part.receipts] == ["31198570044", "31198655051"]
    assert part.balances == {900: {"points": 12}, 1228: {"points": 20, "cashback": 20}}

    whole = await replay(servers, shop)
    assert (whole.replay.repeated, whole.changed_nothing, whole.holds_others) == (2, False, False)
    assert whole.balances == HELD

    part_again = await replay(servers, shop, receipts=2)
    assert (part_again.replay.repeated, part_again.changed_nothing, part_again.holds_others) == (2, True, True)


async def test_order_and_number_of_tills_change_no_total(servers: Servers, new_program: MakeProgram) -> None:
    for seed, tills in ((1, 1), (2, 3), (3, 7)):
        played = await replay(servers, await new_program(DEFAULT), tills=tills, shuffle=seed)
        assert played.balances == HELD
        assert played.after.broken == ()


async def test_the_engine_and_the_computation_without_it_agree(servers: Servers, shop: Program) -> None:
    played = await replay(servers, shop)
    expected = expect_points(TABLES.read_rows(), TABLES.read_products(), {r.number for r in played.receipts})
    assert compare(expected, played.credited).wrong == ()
    assert compare(expected, played.balances).wrong == ()


async def test_points_are_shared_out_among_the_lines_a_rule_looked_at(servers: Servers, shop: Program) -> None:
    departments = sum_departments(await replay(servers, shop))
    assert {name: (found.lines, found.amount, +found.earned) for name, found in departments.items()} == {
        "PRODUCE": (1, 435, {"points": 12}),
        "(not known)": (1, 57, {}),
        "FUEL": (1, 2006, {"points": 20, "cashback": 20}),
        "MISCELLANEOUS": (2, 0, {}),
        "MEAT": (1, 995, {"points": 28}),
        "GROCERY": (2, 10_510, {"points": 195}),
    }


async def test_any_program_can_be_played(servers: Servers, new_program: MakeProgram) -> None:
    played = await replay(servers, await new_program(document(currency="EUR")))
    assert played.balances == {900: {"points": 104}, 906: {"points": 14}, 1228: {"points": 20}}
    assert played.after.broken == ()


async def test_a_refused_receipt_ends_the_replay_with_its_reason(servers: Servers, shop: Program) -> None:
    office = Place(servers[0].url, shop.admin)
    with pytest.raises(FailureError, match=r"receipt 31198.* was refused: till_mismatch"):
        await play(office, Place(servers[0].url, shop.till), Run(TABLES, None, 2, None, SilentScreen()))


async def test_a_wrong_key_and_a_missing_server_are_told(servers: Servers, shop: Program) -> None:
    run = Run(TABLES, None, 2, None, SilentScreen())
    nobody = Place(servers[0].url, "lk_test_nobody")
    with pytest.raises(FailureError, match="reading the program was refused: unauthenticated"):
        await play(nobody, nobody, run)
    nowhere = Place(f"http://127.0.0.1:{find_ports(1)[0]}", shop.admin)
    with pytest.raises(FailureError, match=f"nobody answers at {nowhere.url} "):
        await play(nowhere, nowhere, run)
