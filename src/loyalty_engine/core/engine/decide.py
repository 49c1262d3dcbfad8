"""The engine's one entrance: ``decide(ruleset, facts, request, now) -> Decision``.

Pure: the same arguments give the same decision, for ever. A request that was decided before is repeated word for
word; everything else goes to the room of its noun.
"""

from datetime import datetime
from typing import assert_never

from loyalty_engine.core.engine.accounts import booking_time
from loyalty_engine.core.engine.activities import decide_activity
from loyalty_engine.core.engine.adjustments import decide_adjustment
from loyalty_engine.core.engine.claims import decide_claim
from loyalty_engine.core.engine.decision import Decision, Refused, Repeated
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.members import decide_change, decide_enrolment
from loyalty_engine.core.engine.orders import decide_order
from loyalty_engine.core.engine.redemptions import decide_cancel, decide_redemption
from loyalty_engine.core.engine.requests import (
    Adjust,
    CancelRedemption,
    ChangeMember,
    ClaimOrder,
    EnrolMember,
    PlaceOrder,
    RecordActivity,
    Redeem,
    Request,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.refusals import Refusal, RefusalCode, RefusalError


def decide(ruleset: Ruleset, facts: Facts, request: Request, now: datetime) -> Decision:
    """Return what ``request`` does to the loyalty state that ``facts`` show, at the program's clock ``now``."""
    repeated = _find_repeat(facts, request)
    if repeated is not None:
        return repeated
    try:
        return _decide_anew(ruleset, facts, request, booking_time(facts, now))
    except RefusalError as error:
        return Refused(error.refusal)


def _decide_anew(ruleset: Ruleset, facts: Facts, request: Request, now: datetime) -> Decision:
    match request:
        case PlaceOrder():
            return decide_order(ruleset, facts, request, now)
        case RecordActivity():
            return decide_activity(ruleset, facts, request, now)
        case Redeem():
            return decide_redemption(ruleset, facts, request, now)
        case CancelRedemption():
            return decide_cancel(ruleset, facts, request, now)
        case Adjust():
            return decide_adjustment(ruleset, facts, request, now)
        case ClaimOrder():
            return decide_claim(ruleset, facts, request, now)
        case EnrolMember():
            return decide_enrolment(ruleset, facts, request, now)
        case ChangeMember():
            return decide_change(ruleset, facts, request, now)
        case _:
            assert_never(request)


def _find_repeat(facts: Facts, request: Request) -> Decision | None:
    """A known key repeats its answer; the same key with another request is refused and bound to nothing."""
    earlier = facts.earlier
    if earlier is None:
        return None
    if earlier.request_hash == request.call.request_hash:
        return Repeated(earlier, is_same_key=True)
    return Refused(Refusal(RefusalCode.IDEMPOTENCY_KEY_REUSED), is_stored=False)
