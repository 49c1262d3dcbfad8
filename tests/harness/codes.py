"""Pools of promo codes for tests."""

from collections.abc import Sequence
from typing import Any

import orjson

from loyalty_engine.core.kernel.codes import fold_code
from tests.harness.programs import Program, owner


async def make_pool(
    program: Program,
    key: str,
    kind: str,
    *,
    promotion: str | None = None,
    pattern: str | None = None,
    codes: Sequence[str] = (),
    **terms: Any,  # noqa: ANN401 - terms of a pool
) -> None:
    """Make a pool with these codes."""
    async with owner(program.database_url) as connection:
        await connection.execute(
            "INSERT INTO loyalty.code_pool (program_id, key, kind, promotion, pattern, terms, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, now())",
            program.id,
            key,
            kind,
            promotion,
            pattern,
            orjson.dumps(terms).decode(),
        )
        await connection.execute(
            "INSERT INTO loyalty.promo_code (program_id, code, pool, shown, turn)"
            " SELECT $1, code, $2, shown, CASE WHEN $5 THEN floor(random() * 2147483647)::integer END"
            "   FROM unnest($3::text[], $4::text[]) typed(code, shown)",
            program.id,
            key,
            [fold_code(code) for code in codes],
            list(codes),
            kind == "vouchers",
        )
