"""Exports: everything of one kind as a file, streamed."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from loyalty_engine.api.calls import open_session
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.exports import MEDIA_TYPES, first_of, write_export
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.exports import ExportQuery
from loyalty_engine.application.composition import Services
from loyalty_engine.application.export_rows import export_rows
from loyalty_engine.persistence.reading.exports import Kind

router = APIRouter(route_class=Route, tags=["exports"])

_CONTENT: Final[Mapping[str, Any]] = {
    media_type.partition(";")[0]: {"schema": {"type": "string"}} for media_type in MEDIA_TYPES.values()
}


def _described(text: str) -> dict[str, Any]:
    """Return what a route says of itself: a file instead of an object."""
    described = problems("validation_failed")
    described["responses"][200] = {"description": text, "content": _CONTENT}
    return {**described, "response_class": StreamingResponse}


@router.get(
    "/exports/members", operation_id="export_members", summary="Export members", **_described("One row per member.")
)
@access("members:read")
async def get_members(context: CallContext, query: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    """Return all members with identities and attributes, in the order of their ids. It is personal data."""
    return await _stream(context, "members", query)


@router.get(
    "/exports/balances", operation_id="export_balances", summary="Export balances", **_described("One row per balance.")
)
@access("points:read")
async def get_balances(context: CallContext, query: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    """Return what each member has in each wallet, as it is booked."""
    return await _stream(context, "balances", query)


@router.get(
    "/exports/postings", operation_id="export_postings", summary="Export postings", **_described("One row per posting.")
)
@access("points:read")
async def get_postings(context: CallContext, query: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    """Return every movement of points, by member and in the order in which they were booked."""
    return await _stream(context, "postings", query)


@router.get(
    "/exports/operations",
    operation_id="export_operations",
    summary="Export operations",
    **_described("One row per operation."),
)
@access("operations:read")
async def get_operations(context: CallContext, query: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    """Return the log of the program, oldest first."""
    return await _stream(context, "operations", query)


async def _stream(context: Context, kind: Kind, query: ExportQuery) -> StreamingResponse:
    """Answer with a file that is read while it is sent, in pages: whoever reads slowly holds no snapshot open.

    When the key is revoked amid it, or the database goes away, the connection breaks: the file is not whole then.
    """
    services: Services = context.services
    program_id = context.client.program_id
    pages = await first_of(export_rows(partial(open_session, context), program_id, kind))
    ruleset = await services.rulesets.latest(program_id)
    text = write_export(pages, kind, query.format, sorted(ruleset.member_attributes))
    headers = {"content-disposition": f'attachment; filename="{kind}.{query.format}"'}
    return StreamingResponse(text, headers=headers, media_type=MEDIA_TYPES[query.format])
