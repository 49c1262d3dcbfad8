"""Pools of promo codes for tests, made over HTTP."""

from collections.abc import Sequence
from typing import Any

from tests.harness.api import Api, Json


async def share_code(client: Api, code: str, promotion: str, **terms: Any) -> None:  # noqa: ANN401 - terms of a pool
    """Make a code that everybody may use; its pool is called like it."""
    body = {"pool": code.lower().replace("-", "_"), "kind": "shared", "code": code, **terms}
    await _make(client, f"/promotions/{promotion}/codes", body)


async def make_pool(client: Api, pool: str, promotion: str, **fields: Any) -> None:  # noqa: ANN401 - fields of a pool
    """Make a pool of personal, generated or imported codes."""
    await _make(client, f"/promotions/{promotion}/codes", {"pool": pool, **fields})


async def upload_vouchers(client: Api, pool: str, vouchers: Sequence[str]) -> None:
    """Make a pool of vouchers."""
    await _make(client, "/voucher-pools", {"pool": pool, "codes": list(vouchers)})


async def _make(client: Api, path: str, body: Json) -> None:
    answer = await client.send("POST", path, body=body)
    assert answer.status_code == 201, answer.text
