"""Hot routes answer exactly as the router would have."""

import httpx
import pytest

from loyalty_engine.api.hot_routes import HotApplication
from loyalty_engine.bootstrap import build_application
from loyalty_engine.settings import Settings

HOT = {("POST", f"/v1/{name}") for name in ("orders", "evaluations", "reservations", "redemptions")}


def test_the_routes_of_checkout_are_hot() -> None:
    application = build_application(Settings(_env_file=None))
    assert isinstance(application, HotApplication)
    assert application.hot_routes == HOT


async def test_other_methods_of_a_hot_path_go_to_the_router(server: str) -> None:
    async with httpx.AsyncClient(base_url=server) as client:
        assert (await client.put("/v1/orders")).json()["code"] == "method_not_allowed"
        assert (await client.get("/v1/orders")).json()["code"] == "unauthenticated"


@pytest.mark.parametrize("path", sorted(path for _, path in HOT))
async def test_errors_are_problems_and_requests_are_counted(server: str, path: str) -> None:
    async with httpx.AsyncClient(base_url=server) as client:
        refused = await client.post(path, json={})
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["www-authenticate"] == "Bearer"
        metrics = (await client.get("/metrics")).text
    assert f'loyalty_request_seconds_count{{method="POST",route="{path}",status="401"}}' in metrics


def test_every_hot_route_is_described_like_the_others() -> None:
    described = build_application(Settings(_env_file=None)).openapi()["paths"]
    assert all(method.lower() in described[path] for method, path in HOT)
