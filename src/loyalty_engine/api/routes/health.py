"""Health: does the process live, may it be sent requests, what did it do. For operators, without a key."""

from typing import Any, Final, Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import Field

from loyalty_engine.api.documentation import problems
from loyalty_engine.api.metrics import show_metrics
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.schemas.fields import Answer
from loyalty_engine.application.check_readiness import find_obstacle
from loyalty_engine.application.composition import Services

router = APIRouter(tags=["health"])

_OPEN: Final = problems("method_not_allowed", is_open=True)
_TEXT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Metrics in Prometheus' text form", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


class HealthAnswer(Answer):
    """The process answers."""

    status: Literal["ok"] = Field(default="ok", description="Always ok; anything else is no answer.", examples=["ok"])


@router.get("/healthz", operation_id="check_health", summary="Does the process live?", **_OPEN)
async def get_health() -> HealthAnswer:
    """Answer as long as the process lives; restart it when it does not. Says nothing about the database."""
    return HealthAnswer()


@router.get(
    "/readyz",
    operation_id="check_readiness",
    summary="May the process be sent requests?",
    **problems("unavailable", "method_not_allowed", is_open=True),
)
async def get_readiness(request: Request) -> HealthAnswer:
    """Answer 200 when the ledger is connected and the database answers with a schema that fits; else 503."""
    services: Services = request.app.state.services
    obstacle = await find_obstacle(services.ledger, services.sessions)
    if obstacle is not None:
        raise ProblemError("unavailable", detail=f"Not ready: {obstacle}.", headers={"retry-after": "1"})
    return HealthAnswer()


@router.get(
    "/metrics",
    operation_id="read_metrics",
    summary="What did the service do?",
    responses={**_TEXT, **_OPEN["responses"]},
    openapi_extra=_OPEN["openapi_extra"],
)
async def get_metrics(request: Request) -> Response:
    """Return the counts of all API processes of this service since it started.

    Those of the process that answers are exact, those of the others up to a second old. What Python and the system
    say (memory, open files, garbage collections) is that of the process that answers.
    """
    services: Services = request.app.state.services
    return Response(show_metrics(services.total_meters()), media_type=CONTENT_TYPE_LATEST)
