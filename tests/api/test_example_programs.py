"""The programs under ``examples``, published as their shops would."""

from pathlib import Path
from typing import Any, Final

import pytest

from tests.harness.api import Api, now

EXAMPLES: Final = {path.stem: path.read_bytes() for path in (Path(__file__).parents[2] / "examples").glob("*.yaml")}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
async def test_an_example_is_published_without_warnings_and_takes_orders(client: Api, name: str) -> None:
    headers = {"content-type": "application/yaml", "if-match": '"1"'}
    sent: dict[str, Any] = {"content": EXAMPLES[name], "headers": headers}

    planned = (await client.send("POST", "/program/plan", **sent)).json()
    published = await client.send("PUT", "/program", **sent)
    again = (await client.send("POST", "/program/plan", **sent)).json()
    currency = (await client.get("/program")).json()["document"]["program"]["currency"]
    order = await client.post_order(await client.new_member(), 1000, currency=currency, placed_at=now())

    assert (planned["errors"], planned["warnings"]) == ([], [])
    assert published.json() == {"revision": 2, "is_new": True, "warnings": []}
    assert (again["revision"], again["changes"]) == (2, [])
    assert (order.status_code, order.json()["revision"]) == (201, 2)
