"""Activities: report what a member did beside buying, and read it."""

from fastapi import APIRouter

from loyalty_engine.api.calls import begin_call, open_session, read_path_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.activities import ActivityAnswer, ActivityBody, ActivityRecordAnswer
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.core.engine.requests import RecordActivity
from loyalty_engine.persistence.reading.activities import find_activity

router = APIRouter(route_class=Route, tags=["activities"])


@router.post(
    "/activities",
    operation_id="record_activity",
    status_code=201,
    response_model=ActivityAnswer,
    summary="Report an activity",
    **problems(
        "member_not_found",
        "member_blocked",
        "till_mismatch",
        "activity_not_declared",
        "activity_subject_required",
        "activity_in_future",
        "activity_already_counted",
        "attribute_not_declared",
        "attribute_type_mismatch",
        "balance_too_large",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("activities:write", needs_key=True)
async def post_activity(context: CallContext, body: ActivityBody) -> Outcome:
    """Credit what an activity earns: a survey answered, an own cup brought along.

    A kind that counts once per subject or period is refused the second time.
    """
    services: Services = context.services
    request = RecordActivity(
        begin_call(context),
        body.member,
        body.kind,
        body.occurred_at,
        body.subject,
        body.location or context.client.location,
        body.attributes,
    )
    return await services.executor.execute(context.caller, request)


@router.get(
    "/activities/{activity_id}",
    operation_id="read_activity",
    summary="Read an activity",
    **problems("not_found"),
)
@access("activities:read")
async def get_activity(context: CallContext, activity_id: str) -> ActivityRecordAnswer:
    """Return an activity as it was reported."""
    async with open_session(context) as session:
        record = await find_activity(session, context.client.program_id, read_path_id("act", activity_id))
    if record is None:
        raise ProblemError("not_found")
    return ActivityRecordAnswer.of(record)
