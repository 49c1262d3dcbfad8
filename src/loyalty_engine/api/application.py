"""The ASGI application: routes in the order of their heat, and every error as a problem."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from loyalty_engine import __version__
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.routes import members, orders, points
from loyalty_engine.persistence.errors import UnavailableError

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_log = structlog.get_logger()


def create_application(lifespan: Lifespan) -> FastAPI:
    """Return the application; hot routes first, because routes are matched one by one."""
    application = FastAPI(
        title="Loyalty engine",
        version=__version__,
        lifespan=lifespan,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    for room in (orders, points, members):
        application.include_router(room.router, prefix="/v1")
    application.add_exception_handler(ProblemError, _answer_problem)
    application.add_exception_handler(RequestValidationError, _answer_validation)
    application.add_exception_handler(UnavailableError, _answer_unavailable)
    application.add_exception_handler(HTTPException, _answer_http)
    application.add_exception_handler(Exception, _answer_bug)
    return application


async def _answer_problem(_: Request, error: Any) -> Response:
    response: Response = error.as_response()
    return response


async def _answer_validation(_: Request, error: Any) -> Response:
    faults = [Fault("/".join(str(step) for step in e["loc"]), e["type"], e["msg"]) for e in error.errors()]
    return ProblemError("validation_failed", errors=faults).as_response()


async def _answer_unavailable(_: Request, error: Any) -> Response:
    return ProblemError("unavailable", headers={"retry-after": str(error.retry_after_seconds)}).as_response()


async def _answer_http(_: Request, error: Any) -> Response:
    code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(error.status_code, "malformed_json")
    return ProblemError(code, headers=error.headers).as_response()


async def _answer_bug(request: Request, error: Any) -> Response:
    _log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
    return ProblemError("internal_error").as_response()
