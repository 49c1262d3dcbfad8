"""Full sizes take their time, and what a promise killed is mended before the next one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.crowds import IS_FULL
from tests.harness.servers import Servers


@pytest.fixture
async def mended_servers(servers: Servers) -> AsyncIterator[Servers]:
    """The two processes; whatever the test killed runs again afterwards."""
    yield servers
    for process in servers.processes:
        if not process.is_running:
            process.restart()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every promise four hours at its full size: enough on a busy machine, and what hangs still ends."""
    if IS_FULL:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.timeout(4 * 3600), append=False)  # before a limit of its own
