"""The ASGI application: routes in the order of their heat, and every error as a problem."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from loyalty_engine import __version__
from loyalty_engine.api.hot_routes import HotApplication
from loyalty_engine.api.metrics import UNMATCHED, CountRequests
from loyalty_engine.api.openapi import describe_api
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.routes import (
    activities,
    api_keys,
    clock,
    code_pools,
    corrections,
    exports,
    health,
    holds,
    imports,
    issued_codes,
    jobs,
    ledger,
    lots,
    members,
    memberships,
    operations,
    order_changes,
    orders,
    points,
    program,
    promo_codes,
    promotions,
    referrals,
    reservations,
    returns,
    reviews,
    tiers,
)
from loyalty_engine.api.routing import Route
from loyalty_engine.application.rulesets import NotPublishedError
from loyalty_engine.persistence.errors import UnavailableError

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_PREFIX: Final = "/v1"
_MAX_FAULTS: Final = 50
_CLIENT_GONE: Final = 499
"""What metrics show for callers who left amid their body. Not a status of the standard, and sent to nobody."""
_ROOMS: Final = (
    orders,
    reservations,
    points,
    returns,
    holds,
    activities,
    order_changes,
    members,
    tiers,
    memberships,
    lots,
    issued_codes,
    referrals,
    reviews,
    operations,
    corrections,
    ledger,
    program,
    promotions,
    promo_codes,
    code_pools,
    clock,
    jobs,
    api_keys,
    exports,
    imports,
)
"""Where the routes of ``/v1`` are declared, the busy ones first."""
_HOT: Final = frozenset({"place_order", "evaluate_order", "reserve_order", "redeem_points"})

_log = structlog.get_logger()


def create_application(lifespan: Lifespan) -> FastAPI:
    """Return the application: tills and shops take the short way, everybody else the router."""
    application = HotApplication(
        title="Loyalty engine",
        version=__version__,
        lifespan=lifespan,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        redirect_slashes=False,  # a write must not be sent on to an address that nobody wrote down
    )
    for room in _ROOMS:
        application.include_router(room.router, prefix=_PREFIX)
    application.include_router(health.router)
    application.openapi = lambda: describe_api(application)  # type: ignore[method-assign]  # FastAPI's documented way
    application.add_middleware(CountRequests, template_of=_template_of)
    application.warm_up(_hot_routes(), prefix=_PREFIX, template_of=_template_of)
    application.add_exception_handler(ProblemError, _answer_problem)
    application.add_exception_handler(RequestValidationError, _answer_validation)
    application.add_exception_handler(UnavailableError, _answer_unavailable)
    application.add_exception_handler(NotPublishedError, _answer_unpublished)
    application.add_exception_handler(HTTPException, _answer_http)
    application.add_exception_handler(ClientDisconnect, _answer_nobody)
    application.add_exception_handler(Exception, _answer_bug)
    return application


def _hot_routes() -> Iterator[Route]:
    """Yield the routes of checkout: a purchase, a look at one, a cart that is held, points spent."""
    for route in (*orders.router.routes, *reservations.router.routes, *points.router.routes):
        if isinstance(route, Route) and route.operation_id in _HOT:
            yield route


def _template_of(scope: Scope) -> str:
    """Return a request's route as it is declared. Never the path that was asked for: it may name a person."""
    route = scope.get("route")
    if isinstance(route, Route):
        return _PREFIX + route.path
    return getattr(route, "path", UNMATCHED)


async def _answer_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.as_response()


async def _answer_validation(_: Request, error: Exception) -> Response:
    """Name the parameter at fault; where it was found ("query", "path") is left out."""
    assert isinstance(error, RequestValidationError)
    faults = [Fault("/".join(map(str, e["loc"][1:])), e["type"], e["msg"]) for e in error.errors()[:_MAX_FAULTS]]
    return ProblemError("validation_failed", errors=faults).as_response()


async def _answer_unavailable(request: Request, error: Exception) -> Response:
    assert isinstance(error, UnavailableError)
    cause = error.__cause__
    _log.warning(
        "unavailable", route=_template_of(request.scope), cause=type(cause).__name__ if cause else "contention"
    )
    return ProblemError("unavailable", headers={"retry-after": str(error.retry_after_seconds)}).as_response()


async def _answer_unpublished(_: Request, __: Exception) -> Response:
    return ProblemError("program_not_published").as_response()


async def _answer_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(error.status_code, "malformed_json")
    return ProblemError(code, headers=error.headers).as_response()


async def _answer_nobody(request: Request, _: Exception) -> Response:
    """End the request of a caller who left before its body was complete: nothing was done, and nobody listens."""
    _log.debug("client_gone", method=request.method, route=_template_of(request.scope))
    return Response(status_code=_CLIENT_GONE)


async def _answer_bug(request: Request, error: Exception) -> Response:
    _log.error("request_failed", method=request.method, route=_template_of(request.scope), exc_info=error)
    return ProblemError("internal_error").as_response()
