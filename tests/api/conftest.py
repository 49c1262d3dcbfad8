"""Fixtures for tests of the API."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.api import Api
from tests.harness.ledger import Ledger


@pytest.fixture
async def quiet(client: Api, ledger: Ledger) -> AsyncIterator[Api]:
    """A client whose test must leave no trace; refusals alone may be remembered, under their key."""
    before = await ledger.counts()
    yield client
    after = await ledger.counts()
    assert {name for name in after if after[name] != before[name]} <= {"idempotency", "refusal"}
    assert await ledger.faults() == []
