"""Promotions: read one, and publish one without sending the whole document."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from loyalty_engine.api.documentation import problems
from loyalty_engine.api.documents import PromotionReader, require_published
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.routes.program import read_condition, show_publication
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.program import PromotionAnswer, PublicationAnswer, PublicationQuery
from loyalty_engine.application.composition import Services
from loyalty_engine.application.publish_promotion import publish_promotion, read_promotion
from loyalty_engine.core.program.fields import KEY_PATTERN
from loyalty_engine.core.program.promotions import PromotionEntry

router = APIRouter(route_class=Route, tags=["program"])

Key = Annotated[str, Path(pattern=KEY_PATTERN, description="Key of the promotion.", examples=["autumn"])]

_JSON: Final = "application/json"


@router.get(
    "/promotions/{key}",
    operation_id="read_promotion",
    response_model=PromotionAnswer,
    summary="Read a promotion",
    **problems("promotion_not_found", "validation_failed"),
)
@access("program:read")
async def get_promotion(context: CallContext, key: Key) -> Response:
    """Return a promotion as the current revision has it; the ETag is what a publication upon it sends as If-Match."""
    services: Services = context.services
    found = await read_promotion(services.sessions, context.caller, key)
    if found is None:
        raise ProblemError("promotion_not_found")
    answer = PromotionAnswer.of(found)
    return Response(answer.model_dump_json(), headers={"etag": f'"{found.revision}"'}, media_type=_JSON)


@router.put(
    "/promotions/{key}",
    operation_id="publish_promotion",
    response_model=PublicationAnswer,
    summary="Publish a promotion",
    **problems(
        "malformed_yaml",
        "program_invalid",
        "program_not_published",
        body=True,
        condition=True,
        yaml="PromotionEntry",
    ),
)
@access("program:write", documents=PromotionReader())
async def put_promotion(
    context: CallContext, key: Key, body: PromotionEntry, query: Annotated[PublicationQuery, Query()]
) -> Response:
    """Publish the current document with this promotion changed, or added behind the others, as a new revision.

    Pointers of faults begin at the promotion. ``active: false`` pauses it. A promotion that is so already makes no
    revision. If-Match ``*`` takes what others publish meanwhile.
    """
    if body.key != key:
        fault = Fault("/key", "key_mismatch", "is not the key in the path")
        raise ProblemError("validation_failed", errors=[fault])
    services: Services = context.services
    expected = read_condition(context)
    result = await publish_promotion(services.sessions, context.caller, body, expected=expected, note=query.note)
    if result is None:
        raise ProblemError("program_not_published")
    return show_publication(require_published(result))
