"""Rows: which writes may take the hot shape, and that nobody who travels in a batch is told a lie."""

from datetime import UTC, datetime

import pytest
from uuid_utils.compat import uuid7

from loyalty_engine.core.engine.fold import Note, Write, fold
from loyalty_engine.core.engine.requests import Actor, Call
from loyalty_engine.persistence.connections import connect
from loyalty_engine.persistence.ledger import Entry, record
from loyalty_engine.persistence.rows import rows_of
from tests.harness.api import fresh
from tests.harness.programs import Program
from tests.persistence.writes import Writer, enrolled


def another_name() -> Write:
    """A write that only binds a second key to an operation: it has no member and no rows of its own."""
    call = Call(uuid7(), Actor(1), b"hash", fresh("k"))
    return fold([], [Note(call, datetime.now(UTC), operation_id=uuid7())])


def test_only_one_write_of_one_known_member_takes_the_hot_shape() -> None:
    writer = Writer()
    enrolment, purchase = writer.enrol(), writer.buy(2500)
    assert rows_of([purchase]).fits_shape_s
    assert not rows_of([enrolment]).fits_shape_s
    assert not rows_of([another_name()]).fits_shape_s
    assert not rows_of([another_name(), purchase]).fits_shape_s
    assert not rows_of([purchase, another_name()]).fits_shape_s


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_purchase_beside_a_second_name_is_told_that_it_won(program: Program, *, is_first: bool) -> None:
    connection = await connect(program.database_url)
    try:
        writer = await enrolled(connection, program.id)
        writes = [writer.buy(2500), another_name()] if is_first else [another_name(), writer.buy(2500)]
        assert await record(connection, [Entry(program.id, write) for write in writes]) == [True, True]
    finally:
        await connection.close()
