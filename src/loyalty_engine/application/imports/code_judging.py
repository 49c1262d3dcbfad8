"""Judging rows of codes: they go into their pool, unless what reads like them is there already."""

from collections.abc import Sequence
from typing import Literal

from loyalty_engine.application.imports.judging import Judged
from loyalty_engine.application.imports.reading import Numbered
from loyalty_engine.application.imports.rows import CodeRow, Fault
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.persistence.code_pools import CodePool, find_pool
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.imports import entered
from loyalty_engine.persistence.promo_codes import TypedCode, add_typed, find_codes


class CodeJudge:
    """Judges the rows of one file of codes for a pool. ``is_dry`` stores nothing."""

    def __init__(self, connection: Connection, *, program_id: int, pool: str, is_dry: bool) -> None:
        self._connection = connection
        self._program_id = program_id
        self._pool = pool
        self._is_dry = is_dry

    async def judge(self, page: Sequence[Numbered]) -> list[Judged]:
        """Store the codes of a page that are new; of rows that read alike the first one is."""
        judged = [Judged(found.line, found.row) for found in page if isinstance(found.row, Fault)]
        rows = [(found.line, found.row) for found in page if isinstance(found.row, CodeRow)]
        first: dict[FoldedCode, TypedCode] = {}
        for _, row in rows:
            first.setdefault(row.code, TypedCode(row.code, row.shown))
        async with entered(self._connection, self._program_id):
            pool = await find_pool(self._connection, self._program_id, self._pool)
            assert pool is not None
            there = {code: shown for code, (key, shown) in (await self._find(first)).items() if key == pool.key}
            new = await self._store(pool, list(first.values()))
        for line, row in rows:
            is_new = row.code in new
            result = _tell(line, row, first=first[row.code], there=there, is_new=is_new)
            judged.append(Judged(line, result))
            if result == "stored":
                new.remove(row.code)
                there[row.code] = row.shown
        return judged

    async def _find(self, codes: dict[FoldedCode, TypedCode]) -> dict[FoldedCode, tuple[str, str | None]]:
        return dict(await find_codes(self._connection, self._program_id, list(codes)))

    async def _store(self, pool: CodePool, codes: Sequence[TypedCode]) -> set[FoldedCode]:
        if self._is_dry:
            there = await find_codes(self._connection, self._program_id, [code.code for code in codes])
            return {code.code for code in codes} - there.keys()
        return await add_typed(self._connection, self._program_id, pool, codes)


def _tell(
    line: int, row: CodeRow, *, first: TypedCode, there: dict[FoldedCode, str | None], is_new: bool
) -> Literal["stored", "unchanged"] | Fault:
    """Return what became of a row; one that says the same as an earlier one changes nothing."""
    if row.shown == first.shown and is_new:
        return "stored"
    if row.shown == there.get(row.code):
        return "unchanged"
    return Fault(line, "promo_code_exists", "/code", "reads like a code that is there already")
