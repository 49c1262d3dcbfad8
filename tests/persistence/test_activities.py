"""Activities: kept with their operation, and what counts once leaves a mark that nobody sets again."""

from collections.abc import AsyncIterator

import pytest

from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.ledger import Question, gather
from loyalty_engine.persistence.rows import rows_of
from tests.harness import ledger as harness
from tests.harness.programs import Program
from tests.persistence.writes import Writer, enrolled, record_all


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the application's role."""
    opened = await connect(database_url)
    yield opened
    await opened.close()


async def test_an_activity_is_kept_with_its_operation(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    writer = await enrolled(connection, program.id)
    write = writer.report("nps-2026")
    assert not rows_of([write]).fits_shape_s

    assert await record_all(connection, program.id, write) == [True]
    assert await record_all(connection, program.id, writer.report()) == [True]

    found = await ledger.connection.fetch(
        "SELECT a.kind, a.subject, a.occurred_at = o.effective_at, a.attributes, m.mark FROM activity a "
        "JOIN operation o ON o.program_id = a.program_id AND o.id = a.id AND o.kind = 'activity' "
        "LEFT JOIN activity_mark m ON m.program_id = a.program_id AND m.operation_id = a.id "
        "WHERE a.program_id = $1 ORDER BY a.id",
        program.id,
    )
    assert [tuple(row) for row in found] == [
        ("survey_answered", "nps-2026", True, "{}", "nps-2026"),
        ("own_cup", None, True, "{}", None),
    ]
    assert await ledger.faults() == []


async def test_gather_tells_who_set_a_mark(connection: Connection, program: Program) -> None:
    one, two = await enrolled(connection, program.id), await enrolled(connection, program.id)
    write = one.report("nps")
    assert await record_all(connection, program.id, write) == [True]

    def ask(writer: Writer, *mark: str) -> Ask:
        return Ask(1, "", None, identity=writer.identity, mark=(mark[0], mark[1]) if mark else None)

    asks = (
        ask(one, "survey_answered", "nps"),
        ask(one, "survey_answered", "other"),
        ask(one, "own_cup", "nps"),
        ask(one),
        ask(two, "survey_answered", "nps"),
        ask(Writer(), "survey_answered", "nps"),
    )
    (answers,) = await gather(connection, [Question(program.id, asks)])

    marked_by = write.parts[0].operation.id
    assert [facts.marked_by for _, facts in answers] == [marked_by, None, None, None, None, None]


@pytest.mark.parametrize("is_batch", [False, True])
async def test_a_mark_that_is_set_loses_and_writes_nothing(
    connection: Connection, program: Program, ledger: harness.Ledger, is_batch: bool
) -> None:
    writer = await enrolled(connection, program.id)
    assert await record_all(connection, program.id, writer.report("nps")) == [True]
    before = await ledger.fingerprint(), await ledger.counts()
    again = writer.report("nps")

    if is_batch:
        with pytest.raises(Exception, match="activity_mark_pkey"):  # the batcher then tries each alone
            await record_all(connection, program.id, again, Writer().enrol())
    else:
        assert await record_all(connection, program.id, again) == [False]

    assert (await ledger.fingerprint(), await ledger.counts()) == before
