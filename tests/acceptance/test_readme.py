"""The README's shell blocks, run one after the other against ``loyalty serve --example`` as a newcomer would."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from loyalty_engine.core.program.earning import EarningRuleEntry
from tests.harness.service import Service, open_service

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
YAML_BLOCKS = re.findall(r"^```yaml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A fresh example service."""
    with open_service() as running:
        running.start()
        yield running


def answers(service: Service, block: str) -> list[dict[str, object]]:
    """Run a block with the variables that the README tells to set; return the JSON documents it prints."""
    admin, till = service.keys
    day = datetime.now(UTC).date().isoformat()
    variables = {**os.environ, "BASE_URL": service.url, "ADMIN_KEY": admin, "TILL_KEY": till, "DAY": day}
    text = subprocess.run(["sh", "-euc", block], env=variables, capture_output=True, text=True, check=True).stdout
    decoder, found = json.JSONDecoder(), []
    while text.strip():
        document, end = decoder.raw_decode(text.lstrip())
        found.append(document)
        text = text.lstrip()[end:]
    return found


def test_the_shell_blocks_do_what_the_text_says(service: Service) -> None:
    earn, look, cart, pay, spend, give_back, prove, move_on = BLOCKS
    [receipt] = answers(service, earn)
    assert receipt["status"] == "credited"
    assert {(e["wallet"], e["points"]) for e in receipt["effects"]} >= {("points", 41)}  # type: ignore[attr-defined]  # a list of objects
    assert answers(service, earn) == [receipt]

    [evaluation] = answers(service, look)
    assert evaluation["reasons"]

    [priced] = answers(service, cart)
    assert {d["promotion"]: d["amount"] for d in priced["discounts"]} == {"breakfast": 100}  # type: ignore[attr-defined]  # as above
    assert (priced["total"], priced["nudges"][0]["missing"]) == (5110, 280)  # type: ignore[index]  # as above

    [order] = answers(service, pay)
    assert (order["total"], order["discounts"]) == (priced["total"], priced["discounts"])
    assert order["status"] == "credited"

    adjustment, redemption = answers(service, spend)
    assert adjustment["points"] == 200
    assert redemption["points"] == 100

    capture, returned = answers(service, give_back)
    assert (capture["captured"], capture["released"]) == (100, 0)
    assert (returned["status"], returned["refund"]) == ("applied", 1500)
    assert {(t["wallet"], t["points"]) for t in returned["taken"]} >= {("points", 15)}  # type: ignore[attr-defined]  # as above

    timeline, check = answers(service, prove)
    kinds = [entry["kind"] for entry in timeline["items"]]  # type: ignore[attr-defined]  # as above
    assert kinds[:5] == ["return", "capture", "hold", "redemption", "adjustment"]
    assert check["is_sound"] is True

    expirations, clock, balances, jobs = answers(service, move_on)
    assert expirations["items"]
    assert clock["is_sandbox"] is True
    assert {b["available"] for b in balances["balances"] if b["wallet"] == "points"} == {0}  # type: ignore[attr-defined]  # as above
    assert "settle" in {job["kind"] for job in jobs["items"]}  # type: ignore[attr-defined]  # as above


def test_the_rules_shown_are_rules() -> None:
    for block in YAML_BLOCKS:
        for rule in yaml.safe_load(block)["earning_rules"]:
            EarningRuleEntry.model_validate(rule)
