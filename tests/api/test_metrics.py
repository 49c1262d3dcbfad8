"""What the service counts of itself, as Prometheus reads it."""

import json
from pathlib import Path

import httpx
import pytest

from loyalty_engine.api.metrics import show_metrics
from loyalty_engine.meters import Exchange, Meters
from tests.harness.api import Api


async def read(api: Api, base: str) -> dict[str, float]:
    text = (await api.http.get(f"{base}/metrics")).text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def grown(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before.get(name, 0.0) for name in after if after[name] != before.get(name, 0.0)}


async def test_requests_are_counted_by_template_method_and_status(client: Api, server: str) -> None:
    member = await client.new_member(50)
    before = await read(client, server)
    await client.redeem(member, 20)
    await client.redeem(member, 500)
    await client.get("/members/card:4711/balances")
    await client.http.get(f"{server}/wp-admin")
    await client.http.delete(f"{server}/v1/orders")
    seen = grown(before, await read(client, server))
    name = "loyalty_request_seconds_count"
    assert seen[f'{name}{{method="POST",route="/v1/redemptions",status="201"}}'] == 1
    assert seen[f'{name}{{method="POST",route="/v1/redemptions",status="409"}}'] == 1
    assert seen[f'{name}{{method="GET",route="/v1/members/{{member}}/balances",status="404"}}'] == 1
    assert seen[f'{name}{{method="GET",route="unmatched",status="404"}}'] == 1
    assert seen[f'{name}{{method="DELETE",route="/v1/orders",status="405"}}'] == 1
    assert not [series for series in seen if "4711" in series or "wp-admin" in series]


async def test_decisions_are_counted_by_kind_and_outcome(client: Api, server: str) -> None:
    member = await client.new_member(50)
    before = await read(client, server)
    await client.redeem(member, 20, key="once")
    await client.redeem(member, 20, key="once")
    await client.redeem(member, 500)
    seen = grown(before, await read(client, server))
    assert {name: count for name, count in seen.items() if name.startswith("loyalty_decisions")} == {
        'loyalty_decisions_total{kind="redeem",outcome="accepted"}': 1,
        'loyalty_decisions_total{kind="redeem",outcome="replayed"}': 1,
        'loyalty_decisions_total{kind="redeem",outcome="insufficient_points"}': 1,
    }
    assert seen['loyalty_batch_size_count{statement="gather"}'] == 3
    assert seen['loyalty_batch_size_sum{statement="record"}'] == 2


async def test_process_is_ready_when_the_ledger_is_connected(server: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        ready = await http.get(f"{server}/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ok"})


def test_histogram_counts_values_at_or_below_each_bound() -> None:
    meters = Meters()
    for size in (1, 2, 2, 3, 1000):
        meters.count_batch("gather", size=size, seconds=0.003, waiting=7)
    text = show_metrics(meters).decode()
    assert 'loyalty_batch_size_bucket{le="1.0",statement="gather"} 1.0' in text
    assert 'loyalty_batch_size_bucket{le="2.0",statement="gather"} 3.0' in text
    assert 'loyalty_batch_size_bucket{le="4.0",statement="gather"} 4.0' in text
    assert 'loyalty_batch_size_bucket{le="256.0",statement="gather"} 4.0' in text
    assert 'loyalty_batch_size_bucket{le="+Inf",statement="gather"} 5.0' in text
    assert 'loyalty_batch_size_sum{statement="gather"} 1008.0' in text
    assert 'loyalty_waiting{statement="gather"} 7.0' in text


@pytest.fixture
def neighbour(tmp_path: Path) -> Meters:
    """What process 2 left in the exchange."""
    meters = Meters()
    meters.count_batch("gather", size=3, seconds=0.5, waiting=2)
    meters.decisions["PlaceOrder", "accepted"] = 41
    meters.lost_guards = 5
    meters.partition_faults = 3
    Exchange(meters, tmp_path, 2).leave(meters.show())
    return meters


def test_total_is_the_sum_over_all_processes(tmp_path: Path, neighbour: Meters) -> None:
    own = Meters()
    own.decisions["PlaceOrder", "accepted"] = 1
    total = Exchange(own, tmp_path, 1).total()
    assert total.decisions["PlaceOrder", "accepted"] == 42
    assert total.lost_guards == 5
    assert "loyalty_partition_faults_total 3.0" in show_metrics(total).decode()
    assert total.waiting["gather",] == 2
    assert own.decisions["PlaceOrder", "accepted"] == 1


def test_successor_of_a_dead_process_goes_on_from_its_counts(tmp_path: Path, neighbour: Meters) -> None:
    successor = Meters()
    total = Exchange(successor, tmp_path, 2).total()
    assert successor.decisions["PlaceOrder", "accepted"] == 41
    assert successor.waiting == {}
    assert total.decisions["PlaceOrder", "accepted"] == 41


def test_broken_file_of_a_neighbour_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "2.json").write_text(json.dumps({"requests": []})[:5], encoding="utf-8")
    assert Exchange(Meters(), tmp_path, 1).total().lost_guards == 0
