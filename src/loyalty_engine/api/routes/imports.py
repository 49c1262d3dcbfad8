"""Imports: upload a file, see how far it is and which rows were not taken."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from loyalty_engine.api.calls import open_session, read_path_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.exports import MEDIA_TYPES, first_of, write_table
from loyalty_engine.api.import_forms import ImportForms
from loyalty_engine.api.pagination import cut
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.imports import (
    FaultsQuery,
    ImportAnswer,
    ImportFaultAnswer,
    ImportFaultsPage,
    ImportQuery,
)
from loyalty_engine.application.accept_import import (
    MAX_BYTES,
    FileTooLargeError,
    PoolTakesNoneError,
    Upload,
    accept_import,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.imports.reading import FileError, Format
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.errors import UnavailableError
from loyalty_engine.persistence.imports import FaultRow, list_faults
from loyalty_engine.persistence.jobs import Job, find_job

router = APIRouter(route_class=Route, tags=["imports"])

_FORMATS: Final[dict[str, Format]] = {"text/csv": "csv", "application/x-ndjson": "ndjson"}
_FORMS: Final = ImportForms()
_PAGE: Final = 1000


def _described(**described: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of an OpenAPI document
    """Return what the upload says of itself: its body is a file."""
    content = {media_type: {"schema": {"type": "string"}} for media_type in _FORMATS}
    described["openapi_extra"]["requestBody"] = {"required": True, "content": content}
    return described


@router.post(
    "/imports",
    operation_id="start_import",
    status_code=202,
    summary="Import a file",
    **_described(
        **problems(
            "body_too_large",
            "unsupported_media_type",
            "validation_failed",
            "import_file_refused",
            "code_pool_not_found",
            "code_pool_takes_none",
        )
    ),
)
@access("imports:write")
async def post_import(context: CallContext, request: Request, query: Annotated[ImportQuery, Query()]) -> ImportAnswer:
    """Keep the file in the body, CSV or NDJSON by its Content-Type, and let the worker import it.

    No idempotency key is needed: rows are known by what they say, so a file that is sent again changes nothing where it
    was taken. A file that cannot be of its kind is refused at once, as far as its beginning tells.
    """
    services: Services = context.services
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _FORMATS:
        raise ProblemError("unsupported_media_type", details={"accepted": list(_FORMATS)})
    if getattr(request.state, "is_received", False):  # the caller's rights changed amid the file, which is gone now
        raise UnavailableError
    upload = Upload(query.kind, _FORMATS[media_type], query.separator, query.on_conflict, query.dry_run, query.pool)
    try:
        job_id = await accept_import(
            services.sessions,
            services.rulesets,
            context.caller,
            _receive(request),
            upload=upload,
            forms=_FORMS,
            now=services.clock(),
        )
    except FileTooLargeError:
        raise ProblemError("body_too_large", details={"max_bytes": MAX_BYTES}) from None
    except PoolTakesNoneError as error:
        raise ProblemError("code_pool_takes_none" if error.is_there else "code_pool_not_found") from None
    except FileError as error:
        fault = error.fault
        raise ProblemError(
            "import_file_refused",
            errors=[Fault(fault.pointer, fault.code, fault.message)],
            details={"line": fault.line},
        ) from None
    async with open_session(context) as session:
        return ImportAnswer.of(await _find(context, session, job_id))


@router.get("/imports/{import_id}", operation_id="read_import", summary="Read an import", **problems("job_not_found"))
@access("imports:write")
async def get_import(context: CallContext, import_id: str) -> ImportAnswer:
    """Return an import as it stands: how much of the file is done, and what its rows came to."""
    async with open_session(context) as session:
        return ImportAnswer.of(await _find(context, session, read_path_id("job", import_id)))


@router.get(
    "/imports/{import_id}/faults",
    operation_id="list_import_faults",
    response_model=ImportFaultsPage,
    summary="List the rows that were not taken",
    **problems("job_not_found", "validation_failed"),
)
@access("imports:write")
async def get_faults(
    context: CallContext, import_id: str, query: Annotated[FaultsQuery, Query()]
) -> ImportFaultsPage | StreamingResponse:
    """Return the faulty rows by line, as they are found; as CSV or NDJSON all of them in one file."""
    async with open_session(context) as session:
        job = await _find(context, session, read_path_id("job", import_id))
        if query.format == "json":
            found = await list_faults(session, job.program_id, job.id, after=query.after_number, limit=query.fetched)
            shown, cursor = cut(found, query.limit, lambda fault: fault.line)
            return ImportFaultsPage(items=[ImportFaultAnswer.of(fault) for fault in shown], next_cursor=cursor)
    pages = await first_of(_pages(context, job))
    return StreamingResponse(_write(pages, query.format), media_type=MEDIA_TYPES[query.format])


async def _receive(request: Request) -> AsyncGenerator[bytes, None]:
    request.state.is_received = True
    async for chunk in request.stream():
        yield chunk


async def _find(context: Context, session: Connection, job_id: UUID) -> Job:
    found = await find_job(session, context.client.program_id, job_id)
    if found is None or found.kind != "import":
        raise ProblemError("job_not_found")
    return found


async def _pages(context: Context, job: Job) -> AsyncGenerator[list[FaultRow], None]:
    after = 0
    while True:
        async with open_session(context) as session:
            rows = await list_faults(session, job.program_id, job.id, after=after, limit=_PAGE)
        yield rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].line


async def _write(pages: AsyncGenerator[list[FaultRow], None], file_format: Format) -> AsyncGenerator[bytes, None]:
    header: tuple[str, ...] | None = ("line", "code", "pointer", "message")
    async for rows in pages:
        if file_format == "csv":
            yield write_table(header, ((row.line, row.code, row.pointer, row.message) for row in rows))
            header = None
        else:
            yield b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
