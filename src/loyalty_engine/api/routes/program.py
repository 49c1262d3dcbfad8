"""The program: read it, publish it, see its revisions, return to one of them."""

import re
from functools import cache
from typing import Annotated, Any, Final, assert_never

import orjson
from fastapi import APIRouter, Path, Query, Response

from loyalty_engine.api.calls import open_session
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.documents import ProgramReader, invalid_program
from loyalty_engine.api.pagination import PageQuery, cut
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.program import (
    LARGEST_REVISION,
    ProgramAnswer,
    PublicationAnswer,
    RevisionAnswer,
    RevisionsPage,
    RollbackBody,
    WarningAnswer,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.publish_program import publish_program
from loyalty_engine.application.publishing import Conflict, Expected, Invalid, Published
from loyalty_engine.application.read_program import ReadRevision, read_program
from loyalty_engine.application.roll_back_program import Missing, roll_back_program
from loyalty_engine.core.program.document import Program
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
async def put_program(context: CallContext, body: Program) -> Response:
    """Publish the whole document, as JSON or YAML of at most 8 MB, in place of the revision that If-Match names.

    A document with faults is not published, and a document that is current already makes no revision. The currency
    stays once there are members, and a wallet stays while members have balances in it.
    """
    services: Services = context.services
    expected = _read_condition(context)
    return _show_publication(await publish_program(services.sessions, context.caller, body, expected=expected))


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
        return _schema()


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
    expected = _read_condition(context)
    result = await roll_back_program(services.sessions, context.caller, body.revision, expected=expected)
    if isinstance(result, Missing):
        raise ProblemError("revision_not_found")
    return _show_publication(result)


def _read_condition(context: Context) -> Expected:
    """Return the revisions that If-Match names; what is no ETag of ours names none."""
    if context.if_match is None:
        raise ProblemError("if_match_required")
    if context.if_match.strip() == "*":
        return None
    return frozenset(int(number) for number in _ETAG.findall(context.if_match))


def _show_publication(result: Published | Invalid | Conflict) -> Response:
    match result:
        case Published(revision, is_new, warnings):
            shown = [WarningAnswer(pointer=w.pointer, code=w.code, message=w.message) for w in warnings]
            answer = PublicationAnswer(revision=revision, is_new=is_new, warnings=shown)
            return Response(answer.model_dump_json(), headers={"etag": f'"{revision}"'}, media_type=_JSON)
        case Invalid(faults):
            raise invalid_program(faults)
        case Conflict(current):
            raise ProblemError("revision_conflict", details={"revision": current})
        case _:
            assert_never(result)


def _show_program(found: ReadRevision) -> Response:
    answer = ProgramAnswer.with_document(found.revision, found.document)
    headers = {"etag": f'"{found.revision.number}"'}
    return Response(orjson.dumps(answer.model_dump()), headers=headers, media_type=_JSON)


@cache
def _schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Program.model_json_schema(by_alias=True),
    }
