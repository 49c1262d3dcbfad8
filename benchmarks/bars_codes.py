"""P7: what a million unique codes cost. A job's work on them, and a plain COPY of the same rows, in turn on one server."""

import io
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
import uvloop

from loyalty_engine.application.generate_codes import generate_codes
from loyalty_engine.persistence import programs
from loyalty_engine.persistence.code_pools import CodePool, add_pool
from loyalty_engine.persistence.connections import OWNER_ROLE, connect
from loyalty_engine.persistence.embedded import EmbeddedServer
from loyalty_engine.persistence.imports import entered
from loyalty_engine.persistence.migrating import migrate

_CODES: Final = round(1_000_000 * float(os.environ.get("BENCH_CODES", "1")))
_ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "5"))
_PATTERN: Final = "SUMMER-####-####"
_POOL: Final = "summer"


def generating_against_copying() -> float:
    """P7: codes per second that are generated, sorted and stored in their table with its indexes ÷ rows per second of a COPY of
    the same rows into one without.
    """
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o755)
        with EmbeddedServer(place / "state", settings={"max_wal_size": "8GB", "checkpoint_timeout": "60min"}) as server:
            migrate(server.url)
            return uvloop.run(_measure(server.url))


async def _measure(url: str) -> float:
    owner = await connect(url, role=OWNER_ROLE)
    assert await programs.create_program(owner, "benchmark") == 1
    await owner.close()
    ratios = []
    for number in range(_ROUNDS):
        generated, rows = await _generate(url)
        copied = await _copy(url, rows)
        ratios.append(generated / copied)
        _say(f"round {number + 1}: generated {generated:.0f} codes/s, COPY {copied:.0f} rows/s, ratio {ratios[-1]:.2f}")
    return statistics.median(ratios)


async def _generate(url: str) -> tuple[float, bytes]:
    """Return codes per second of the job's work, and the rows that came out."""
    admin = await asyncpg.connect(url, command_timeout=600)
    await admin.execute("TRUNCATE loyalty.promo_code, loyalty.code_pool")
    await admin.execute("CHECKPOINT")
    worker = await connect(url, statement_timeout="0")
    owner = await connect(url, role=OWNER_ROLE, statement_timeout="0")
    async with entered(worker, 1):
        pool = CodePool(_POOL, "generated", datetime.now(UTC), promotion="summer", pattern=_PATTERN)
        await add_pool(worker, 1, pool)
    began = time.perf_counter()
    made = await generate_codes((worker, owner), 1, _POOL, _CODES, tell=lambda _: None)
    seconds = time.perf_counter() - began
    await worker.close()
    await owner.close()
    rows = io.BytesIO()
    await admin.copy_from_query("SELECT * FROM loyalty.promo_code ORDER BY code", output=rows)
    await admin.close()
    assert made == _CODES == rows.getvalue().count(b"\n")
    return _CODES / seconds, rows.getvalue()


async def _copy(url: str, rows: bytes) -> float:
    """Return rows per second of a COPY of these rows into a table without indexes."""
    admin = await asyncpg.connect(url, command_timeout=600)
    await admin.execute("DROP TABLE IF EXISTS plain; CREATE TABLE plain (LIKE loyalty.promo_code INCLUDING DEFAULTS)")
    await admin.execute("CHECKPOINT")
    began = time.perf_counter()
    await admin.copy_to_table("plain", source=io.BytesIO(rows))
    seconds = time.perf_counter() - began
    await admin.close()
    return _CODES / seconds


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
