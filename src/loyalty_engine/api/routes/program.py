"""The program: read it, plan a change, publish it, see its revisions, return to one of them."""

import asyncio
import re
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query, Response

from loyalty_engine.api.calls import open_session
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.documents import ProgramReader, require_published
from loyalty_engine.api.pagination import PageQuery, cut
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.program import (
    LARGEST_REVISION,
    PlanAnswer,
    ProgramAnswer,
    PublicationAnswer,
    PublicationQuery,
    RevisionAnswer,
    RevisionsPage,
    RollbackBody,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.plan_program import plan_program
from loyalty_engine.application.publish_program import publish_program
from loyalty_engine.application.publishing import Expected, Published
from loyalty_engine.application.read_program import ReadRevision, read_program
from loyalty_engine.application.roll_back_program import Missing, roll_back_program
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.schema import describe_program
from loyalty_engine.persistence.programs import list_revisions

router = APIRouter(route_class=Route, tags=["program"])

Number = Annotated[int, Path(ge=1, le=LARGEST_REVISION, description="Number of the revision.", examples=[3])]

_JSON: Final = "application/json"
_ETAG: Final = re.compile(r'"(0|[1-9][0-9]{0,9})"')


@router.get(
    "/program",
    operation_id="read_program",
    response_model=ProgramAnswer,
    summary="Read the program",
    **problems("program_not_published"),
)
@access("program:read")
async def get_program(context: CallContext) -> Response:
    """Return the current document and revision; the ETag is what a publication upon it sends as If-Match."""
    services: Services = context.services
    found = await read_program(services.sessions, context.caller)
    if found is None:
        raise ProblemError("program_not_published")
    return _show_program(found)


@router.put(
    "/program",
    operation_id="publish_program",
    response_model=PublicationAnswer,
    summary="Publish the program",
    **problems("malformed_yaml", "program_invalid", body=True, condition=True, yaml="Program"),
)
@access("program:write", documents=ProgramReader())
async def put_program(context: CallContext, body: Program, query: Annotated[PublicationQuery, Query()]) -> Response:
    """Publish the whole document, as JSON or YAML of at most 8 MB, in place of the revision that If-Match names.

    A document with faults is not published, and a document that is current already makes no revision. The currency
    stays once there are members, and a wallet stays while members have balances in it.
    """
    services: Services = context.services
    expected = read_condition(context)
    result = await publish_program(services.sessions, context.caller, body, expected=expected, note=query.note)
    return show_publication(require_published(result))


@router.post(
    "/program/plan",
    operation_id="plan_program",
    response_model=PlanAnswer,
    summary="See what publishing would change",
    **problems("malformed_yaml", "program_invalid", body=True, yaml="Program"),
)
@access("program:read", documents=ProgramReader())
async def post_plan(context: CallContext, body: Program) -> Response:
    """Compare a document, as JSON or YAML of at most 8 MB, with the current revision. Nothing is written.

    Publish it with the ETag of this answer as If-Match, and what happens is what was planned, or nothing. A document
    that can be read is planned even when it could not be published: errors says why. Values are compared as they are
    kept, where fields at their defaults are left out.
    """
    services: Services = context.services
    plan = await plan_program(services.sessions, context.caller, body)
    answer = await asyncio.to_thread(PlanAnswer.of, plan)
    return Response(answer.model_dump_json(), headers={"etag": f'"{plan.revision}"'}, media_type=_JSON)


@router.get(
    "/program/schema",
    operation_id="read_program_schema",
    summary="Read the form of program documents",
    **problems(),
)
@access("program:read")
async def get_program_schema(context: CallContext) -> dict[str, Any]:
    """Return the JSON Schema of version 1 of the program document, for editors."""
    async with open_session(context):  # nothing is read, but a key that was revoked must not work here either
        return describe_program()


@router.get(
    "/program/revisions",
    operation_id="list_program_revisions",
    summary="List the program's revisions",
    **problems("validation_failed"),
)
@access("program:read")
async def get_revisions(context: CallContext, query: Annotated[PageQuery, Query()]) -> RevisionsPage:
    """Return the revisions without their documents, newest first."""
    program_id = context.client.program_id
    async with open_session(context) as session:
        found = await list_revisions(session, program_id, before=query.before_number, limit=query.fetched)
    shown, following = cut(found, query.limit, lambda revision: revision.number)
    return RevisionsPage(items=[RevisionAnswer.of(revision) for revision in shown], next_cursor=following)


@router.get(
    "/program/revisions/{number}",
    operation_id="read_program_revision",
    response_model=ProgramAnswer,
    summary="Read a revision",
    **problems("revision_not_found", "validation_failed"),
)
@access("program:read")
async def get_revision(context: CallContext, number: Number) -> Response:
    """Return a revision with its document; it never changes."""
    services: Services = context.services
    found = await read_program(services.sessions, context.caller, number)
    if found is None:
        raise ProblemError("revision_not_found")
    return _show_program(found)


@router.post(
    "/program/rollback",
    operation_id="roll_back_program",
    response_model=PublicationAnswer,
    summary="Return to an old revision",
    **problems("revision_not_found", "program_invalid", body=True, condition=True),
)
@access("program:write")
async def post_rollback(context: CallContext, body: RollbackBody) -> Response:
    """Publish the content of an old revision as a new one, in place of the revision that If-Match names."""
    services: Services = context.services
    expected = read_condition(context)
    result = await roll_back_program(services.sessions, context.caller, body.revision, expected=expected)
    if isinstance(result, Missing):
        raise ProblemError("revision_not_found")
    return show_publication(require_published(result))


def read_condition(context: Context) -> Expected:
    """Return the revisions that If-Match names; what is no ETag of ours names none."""
    if context.if_match is None:
        raise ProblemError("if_match_required")
    if context.if_match.strip() == "*":
        return None
    return frozenset(int(number) for number in _ETAG.findall(context.if_match))


def show_publication(published: Published) -> Response:
    """Answer with the revision that is current now."""
    answer = PublicationAnswer.of(published)
    return Response(answer.model_dump_json(), headers={"etag": f'"{published.revision}"'}, media_type=_JSON)


def _show_program(found: ReadRevision) -> Response:
    answer = ProgramAnswer.with_document(found.revision, found.document)
    headers = {"etag": f'"{found.revision.number}"'}
    return Response(orjson.dumps(answer.model_dump()), headers=headers, media_type=_JSON)
