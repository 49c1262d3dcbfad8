"""Pools of promo codes and vouchers: create, read, change, and take their codes out as a file."""

import re
from collections.abc import AsyncGenerator
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse

from loyalty_engine.api.bodies import digest
from loyalty_engine.api.calls import open_session, open_writing_session
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.exports import MEDIA_TYPES, Format, first_of, write_table
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.code_pool_bodies import CodePoolBody, CodePoolChangeBody, VoucherPoolBody
from loyalty_engine.api.schemas.code_pools import CodePoolAnswer, CodePoolHead, CodePoolsPage, CodePoolsQuery
from loyalty_engine.api.schemas.promo_codes import PoolCodeAnswer, PoolCodesPage, PoolCodesQuery
from loyalty_engine.application.composition import Services
from loyalty_engine.application.create_code_pool import (
    CodesTakenError,
    NewPool,
    PatternTakenError,
    PoolExists,
    PromotionMissing,
    PromotionOpensItself,
    create_code_pool,
)
from loyalty_engine.core.program.fields import KEY_PATTERN
from loyalty_engine.persistence.code_pools import CodePool, change_pool, find_pool, list_pools, take_stand
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.promo_codes import PromoCode, list_codes

router = APIRouter(route_class=Route, tags=["promo codes"])

PoolKey = Annotated[str, Path(description="Key of the pool.", examples=["letter_of_may"])]

_KEY: Final = re.compile(KEY_PATTERN)
_PAGE: Final = 1000
_MAX_FAULTS: Final = 50


@router.post(
    "/promotions/{key}/codes",
    operation_id="create_code_pool",
    status_code=201,
    summary="Create codes for a promotion",
    **problems(
        "promotion_not_found",
        "promotion_opens_itself",
        "program_not_published",
        "code_pool_exists",
        "promo_code_exists",
        body=True,
    ),
)
@access("codes:write")
async def post_codes(
    context: CallContext,
    body: CodePoolBody,
    key: Annotated[str, Path(description="Key of the promotion.", examples=["autumn"])],
) -> CodePoolAnswer:
    """Create a pool of codes that open a promotion which says ``opened_by: code``.

    The same body sent again creates nothing and answers with the pool as it is by then. More than 1,000 codes are made by
    a job; read the pool, or the job, to see how far it is.
    """
    services: Services = context.services
    new = body.as_pool(key, services.clock(), digest(f"code_pool {key}", context.parsed))
    return await _create(context, new, body.where_made)


@router.post(
    "/voucher-pools",
    operation_id="create_voucher_pool",
    status_code=201,
    summary="Create a pool of vouchers",
    **problems("code_pool_exists", "promo_code_exists", body=True),
)
@access("codes:write")
async def post_vouchers(context: CallContext, body: VoucherPoolBody) -> CodePoolAnswer:
    """Create a pool of a partner's vouchers. They open nothing here; each is given to one member, once.

    The same body sent again creates nothing and answers with the pool as it is by then.
    """
    services: Services = context.services
    return await _create(context, body.as_pool(services.clock(), digest("voucher_pool", context.parsed)))


@router.get(
    "/code-pools", operation_id="list_code_pools", summary="List pools of codes", **problems("validation_failed")
)
@access("codes:read")
async def get_pools(context: CallContext, query: Annotated[CodePoolsQuery, Query()]) -> CodePoolsPage:
    """Return the program's pools by key; read one to learn how many of its codes are left."""
    async with open_session(context) as session:
        found = await list_pools(
            session,
            context.client.program_id,
            promotion=query.promotion,
            after=_read_cursor(query.cursor),
            limit=query.fetched,
        )
    shown = found[: query.limit]
    cursor = shown[-1].key if len(found) > query.limit else None
    return CodePoolsPage(items=[CodePoolHead.of(pool) for pool in shown], next_cursor=cursor)


@router.get(
    "/code-pools/{pool}",
    operation_id="read_code_pool",
    summary="Read a pool of codes",
    **problems("code_pool_not_found"),
)
@access("codes:read")
async def get_pool(context: CallContext, pool: PoolKey) -> CodePoolAnswer:
    """Return a pool with how many codes it has, how many are left, and whether it runs low."""
    async with open_session(context) as session:
        return await _show(context, session, await _find(context, session, pool))


@router.patch(
    "/code-pools/{pool}",
    operation_id="change_code_pool",
    summary="Change a pool of codes",
    **problems("code_pool_not_found", body=True),
)
@access("codes:write")
async def patch_pool(context: CallContext, body: CodePoolChangeBody, pool: PoolKey) -> CodePoolAnswer:
    """Pause a pool, or change its name, times and limits. What codes were used for stays as it is."""
    async with open_writing_session(context) as session:
        new = body.changed(await _find(context, session, pool, for_update=True))
        await change_pool(session, context.client.program_id, new)
        return await _show(context, session, new)


@router.get(
    "/code-pools/{pool}/codes",
    operation_id="list_codes",
    response_model=PoolCodesPage,
    summary="List the codes of a pool",
    **problems("code_pool_not_found", "validation_failed"),
)
@access("codes:read")
async def get_codes(
    context: CallContext, pool: PoolKey, query: Annotated[PoolCodesQuery, Query()]
) -> PoolCodesPage | StreamingResponse:
    """Return codes in the order in which they are compared; as CSV or NDJSON all of them in one file.

    The file is read while it is sent. When the connection breaks amid it, it is not whole.
    """
    program_id, after = context.client.program_id, query.after_code
    async with open_session(context) as session:
        found = await _find(context, session, pool)
        if query.format == "json":
            codes = await list_codes(session, program_id, found, after=after, limit=query.fetched)
            shown = codes[: query.limit]
            cursor = shown[-1].code if len(codes) > query.limit else None
            return PoolCodesPage(items=[_show_code(found, code) for code in shown], next_cursor=cursor)
    pages = await first_of(_pages(context, found, after))
    headers = {"content-disposition": f'attachment; filename="{found.key}.{query.format}"'}
    return StreamingResponse(_write(found, pages, query.format), headers=headers, media_type=MEDIA_TYPES[query.format])


async def _create(context: Context, new: NewPool, where_made: str = "") -> CodePoolAnswer:
    services: Services = context.services
    try:
        made = await create_code_pool(services.sessions, services.rulesets, context.caller, new, now=services.clock())
    except CodesTakenError as error:
        is_shared = new.pool.kind == "shared"
        raise ProblemError(
            "promo_code_exists",
            errors=[
                Fault("/code" if is_shared else f"/codes/{place}", "promo_code_exists", "is there already")
                for place in error.places[:_MAX_FAULTS]
            ],
            details={"codes": len(error.places)},
        ) from None
    except PatternTakenError:
        fault = Fault(where_made, "code_room", "has its codes in other pools already; use another pattern")
        raise ProblemError("validation_failed", errors=[fault]) from None
    match made:
        case PromotionMissing():
            raise ProblemError("promotion_not_found")
        case PromotionOpensItself():
            raise ProblemError("promotion_opens_itself")
        case PoolExists():
            raise ProblemError("code_pool_exists", details={"pool": new.pool.key})
        case CodePool():
            async with open_session(context) as session:
                return await _show(context, session, made)


async def _find(context: Context, session: Connection, key: str, *, for_update: bool = False) -> CodePool:
    found = None
    if _KEY.fullmatch(key):
        found = await find_pool(session, context.client.program_id, key, for_update=for_update)
    if found is None:
        raise ProblemError("code_pool_not_found")
    return found


async def _show(context: Context, session: Connection, pool: CodePool) -> CodePoolAnswer:
    return CodePoolAnswer.of_stand(pool, await take_stand(session, context.client.program_id, pool))


def _show_code(pool: CodePool, code: PromoCode) -> PoolCodeAnswer:
    return PoolCodeAnswer.of(code, pool.made_as, is_counted=pool.terms.uses_per_code is not None)


def _read_cursor(cursor: str | None) -> str:
    if cursor is not None and not _KEY.fullmatch(cursor):
        fault = Fault("cursor", "cursor", "is not a next_cursor of this list")
        raise ProblemError("validation_failed", errors=[fault])
    return cursor or ""


async def _pages(context: Context, pool: CodePool, after: str) -> AsyncGenerator[list[PoolCodeAnswer], None]:
    while True:
        async with open_session(context) as session:
            codes = await list_codes(session, context.client.program_id, pool, after=after, limit=_PAGE)
        yield [_show_code(pool, code) for code in codes]
        if len(codes) < _PAGE:
            return
        after = codes[-1].code


async def _write(
    pool: CodePool, pages: AsyncGenerator[list[PoolCodeAnswer], None], file_format: Format
) -> AsyncGenerator[bytes, None]:
    names = tuple(PoolCodeAnswer.model_fields)
    header: tuple[str, ...] | None = ("pool", *names)
    async for codes in pages:
        rows = ({"pool": pool.key, **code.model_dump()} for code in codes)
        if file_format == "csv":
            yield write_table(header, ([_cell(value) for value in row.values()] for row in rows))
            header = None
        else:
            yield b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
