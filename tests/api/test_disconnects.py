"""A caller who leaves before its body is complete is nobody's fault: nothing is done, logged as an error or broken."""

import asyncio

import pytest

from tests.harness.api import Api
from tests.harness.ledger import Ledger
from tests.harness.programs import Program
from tests.harness.servers import Servers

PATHS = ["/v1/orders", "/v1/adjustments"]
"""One by the short way, one by the router."""


async def leave_amid(port: int, head: str, body: bytes) -> None:
    """Send a head and part of the body it announces, then leave."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + b"\r\n\r\n" + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def count_left(api: Api, url: str, path: str) -> float:
    """Return how many callers left amid a request, as the metrics tell."""
    series = f'loyalty_request_seconds_count{{method="POST",route="{path}",status="499"}} '
    lines = (await api.http.get(f"{url}/metrics")).text.splitlines()
    return sum(float(line.removeprefix(series)) for line in lines if line.startswith(series))


@pytest.mark.parametrize("path", PATHS)
async def test_half_a_body_is_the_end_of_its_request_only(
    servers: Servers, client: Api, program: Program, ledger: Ledger, path: str
) -> None:
    server = servers[0]
    said, left, rows = len(server.log), await count_left(client, server.url, path), await ledger.counts()
    head = [f"POST {path} HTTP/1.1", "host: engine", f"authorization: Bearer {program.admin}", "idempotency-key: half"]
    head += ["content-type: application/json", "content-length: 200"]

    await leave_amid(server.port, "\r\n".join(head), b'{"member": "card:4711", ')
    async with asyncio.timeout(20):
        while await count_left(client, server.url, path) == left:
            assert (await client.evaluate()).status_code == 200

    assert await count_left(client, server.url, path) == left + 1
    assert server.log[said:] == ""
    assert await ledger.counts() == rows
