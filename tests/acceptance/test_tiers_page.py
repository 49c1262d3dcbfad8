"""The shell blocks of the page about tiers, run one after the other in the shop that it speaks of."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from loyalty_engine.api.documents import read_yaml
from tests.harness.api import Api
from tests.harness.programs import MakeProgram, Program

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "tiers.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(read_yaml((ROOT / "examples" / "outdoor_shop.yaml").read_bytes()))


def run(block: str, **variables: str) -> list[dict[str, Any]]:
    """Run a block and return the JSON documents that it prints."""
    environment = {**os.environ, **variables}
    done = subprocess.run(["sh", "-euc", block], env=environment, capture_output=True, text=True, check=True, cwd=ROOT)
    text, decoder, found = done.stdout, json.JSONDecoder(), []
    while text.strip():
        document, end = decoder.raw_decode(text.lstrip())
        found.append(document)
        text = text.lstrip()[end:]
    return found


async def test_what_the_page_runs_does_what_it_says(client: Api, server: str, program: Program) -> None:
    await client.enrol("card:2000012345")
    now = (await client.get("/program/clock")).json()["now"]

    answers = [run(block, BASE_URL=server, ADMIN_KEY=program.admin, NOW=now) for block in BLOCKS]

    [order], [tiers, entitlements], [granted, ended], [preview] = answers
    assert [(move["from"], move["tier"]) for move in order["tiers"]] == [("base", "ridge"), (None, "three")]
    assert [(place["set"], place["tier"]) for place in tiers["tiers"]] == [
        ("status", "ridge"),
        ("card", "three"),
        ("keepers", None),
    ]
    assert [one["entitlement"] for one in entitlements["entitlements"]] == ["free_delivery"]
    assert [granted["tiers"][0]["tier"], ended["tiers"][0]["tier"]] == ["summit", "ridge"]
    assert [step["members"] for step in preview["steps"]] == [1, 1, 1]
    assert preview["costs"] == {"discounts": 0, "points": []}
