from typing import Any

from fastapi import FastAPI

from loyalty_engine.api.application import create_application
from loyalty_engine.application.scopes import PRESETS, SCOPES


def routes_of(application: FastAPI) -> list[Any]:
    found: list[Any] = []
    waiting: list[Any] = list(application.routes)
    while waiting:
        route = waiting.pop()
        inner = getattr(route, "original_router", None) or getattr(route, "router", None)
        if inner is not None:
            waiting.extend(inner.routes)
        else:
            found.append(route)
    return found


def test_the_catalogue_holds_exactly_the_scopes_that_routes_demand() -> None:
    application = create_application(lambda _: None)  # type: ignore[arg-type, return-value]  # it never starts
    declared = [getattr(getattr(route, "endpoint", None), "__access__", None) for route in routes_of(application)]
    assert {access.scope for access in declared if access is not None} == set(SCOPES)


def test_presets_are_of_the_catalogue() -> None:
    assert set(PRESETS["admin"]) == set(SCOPES)
    assert set(PRESETS["till"]) == {
        "orders:write",
        "evaluations:read",
        "activities:write",
        "redemptions:write",
        "members:read",
        "tiers:read",
    }
