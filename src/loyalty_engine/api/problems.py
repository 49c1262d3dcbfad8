"""Problems: every error this API answers with, as one table of RFC 9457 problem kinds.

``status`` lives here and nowhere else. A 4xx moved no value, ever; a 5xx means: ask again with the same key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson
from fastapi import Response

from loyalty_engine.core.kernel.refusals import Refusal, RefusalCode

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "https://loyalty-engine.example/errors#"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What a code means: HTTP status, a short title, what to do about it, and whether the same call may succeed."""

    status: int
    title: str
    advice: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in a request, with a JSON pointer into the body or the name of a header or parameter."""

    pointer: str
    code: str
    message: str


class ProblemError(Exception):
    """Ends a request with a problem that is not a decision of the engine."""

    def __init__(
        self,
        code: str,
        *,
        detail: str | None = None,
        errors: Sequence[Fault] = (),
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.details = details or {}
        self.headers = headers

    @classmethod
    def of(cls, refusal: Refusal) -> Self:
        """Return the problem of a refusal that is not stored."""
        errors = [Fault(refusal.pointer, refusal.code, PROBLEMS[refusal.code].title)] if refusal.pointer else []
        return cls(refusal.code, errors=errors, details=refusal.details)

    def as_response(self) -> Response:
        """Return the HTTP answer."""
        body = render(self.code, detail=self.detail, errors=self.errors, details=self.details)
        return Response(body, PROBLEMS[self.code].status, self.headers, MEDIA_TYPE)


PROBLEMS: Final[Mapping[str, ProblemKind]] = {
    "malformed_json": ProblemKind(400, "The body is not JSON", "Send one JSON document in UTF-8."),
    "malformed_yaml": ProblemKind(
        400, "The body is not YAML as we read it", "Correct the place that errors names, or send JSON."
    ),
    "duplicate_name": ProblemKind(400, "A name stands twice in one object", "Send each name once per object."),
    "idempotency_key_required": ProblemKind(
        400, "The Idempotency-Key header is missing", "Send a fresh key per business act and repeat it on retries."
    ),
    "idempotency_key_invalid": ProblemKind(
        400, "The Idempotency-Key header cannot be used", "Use 1 to 255 visible ASCII characters."
    ),
    "unauthenticated": ProblemKind(
        401, "The API key is missing, unknown, expired or revoked", "Send Authorization: Bearer with a live key."
    ),
    "grant_exceeds_caller": ProblemKind(
        403,
        "A key cannot grant what its creator may not do",
        "Use a key that has the scopes and reach that errors name.",
    ),
    "scope_missing": ProblemKind(403, "The API key may not do this", "Use a key with the scope named in details."),
    "not_found": ProblemKind(404, "There is nothing here", "Check the id; what belongs to others looks the same."),
    "return_not_found": ProblemKind(404, "No such return", "Check the return's id."),
    "review_not_found": ProblemKind(404, "No such review", "List the orders that wait for a review."),
    "promotion_not_found": ProblemKind(404, "The program has no such promotion", "Read the program's document."),
    "promo_code_not_found": ProblemKind(
        404, "No such code", "Check its spelling; case, spaces and hyphens do not count."
    ),
    "revision_not_found": ProblemKind(404, "The program has no such revision", "List the program's revisions."),
    "job_not_found": ProblemKind(404, "No such job", "Check the job's id."),
    "method_not_allowed": ProblemKind(405, "This address knows other methods", "See the Allow header."),
    "job_ended": ProblemKind(409, "The job has ended", "Read it by its id to see how."),
    "job_not_ended": ProblemKind(
        409, "The job did not fail", "Only a job that failed or was cancelled can be tried again."
    ),
    "program_not_published": ProblemKind(
        409, "The program has no rules yet", 'Publish a document with PUT /v1/program and If-Match: "0".'
    ),
    "code_pool_exists": ProblemKind(
        409, "There is a pool of this key with other content", "Read it by its key, or choose another key."
    ),
    "code_pool_takes_none": ProblemKind(
        409, "Codes of such a pool are not uploaded", "Upload to a pool of imported codes or of vouchers."
    ),
    "promo_code_exists": ProblemKind(
        409, "Some of the codes are there already", "Leave out those that errors name; nothing was stored."
    ),
    "promotion_opens_itself": ProblemKind(409, "The promotion needs no code", "Publish it with opened_by: code first."),
    "key_not_live": ProblemKind(409, "The API key has ended", "Create a new key."),
    "key_rotation_open": ProblemKind(
        409, "Two keys of this application are live", "Revoke one of them, or wait until the older one ends."
    ),
    "review_accepted": ProblemKind(409, "The order was booked", "Void the order instead; read the review for its id."),
    "revision_conflict": ProblemKind(
        412, "The program was published by somebody else meanwhile", "Read it again, merge, and publish upon that."
    ),
    "body_too_large": ProblemKind(413, "The body is too large", "Split the request; see details.max_bytes."),
    "unsupported_media_type": ProblemKind(
        415, "The body is not declared as JSON", "Send Content-Type: application/json; see details.accepted."
    ),
    "validation_failed": ProblemKind(
        422, "The request does not have the documented form", "Each entry of errors points to one fault."
    ),
    "import_file_refused": ProblemKind(
        422, "The file cannot be imported at all", "Correct what errors names; nothing of the file was kept."
    ),
    "program_invalid": ProblemKind(
        422, "The program document has faults", "Each entry of errors points to one fault; nothing was published."
    ),
    "too_many_guesses": ProblemKind(
        429,
        "Too many promo codes were unknown lately",
        "Try again after Retry-After; a key with codes:read is not limited.",
        retryable=True,
    ),
    "if_match_required": ProblemKind(
        428, "The If-Match header is missing", "Send the ETag of the revision that you edited, or * to overwrite."
    ),
    "batch_not_booked": ProblemKind(
        422, "Nothing of the batch was booked", "See details.results for the orders that stood in the way."
    ),
    "not_booked": ProblemKind(
        424,
        "Another order of the batch kept this one from being booked",
        "Correct or leave out the other, send both again.",
    ),
    "internal_error": ProblemKind(
        500, "Something broke on our side", "Ask again with the same idempotency key.", retryable=True
    ),
    "unavailable": ProblemKind(
        503, "The service cannot answer now", "Ask again with the same idempotency key.", retryable=True
    ),
    RefusalCode.IDEMPOTENCY_KEY_REUSED: ProblemKind(
        422, "This idempotency key belongs to another request", "Use a fresh key; the first answer stays as it was."
    ),
    RefusalCode.MEMBER_NOT_FOUND: ProblemKind(404, "No such member", "Enrol the member or check the identity."),
    RefusalCode.MEMBER_BLOCKED: ProblemKind(409, "The member is blocked", "Ask the programme's support."),
    RefusalCode.MEMBER_REQUIRED: ProblemKind(422, "Only members can pay with points", "Name the member."),
    RefusalCode.MEMBER_ALREADY_BLOCKED: ProblemKind(409, "The member is blocked already", "Nothing is left to do."),
    RefusalCode.MEMBER_NOT_BLOCKED: ProblemKind(409, "The member is not blocked", "Nothing is left to do."),
    RefusalCode.MEMBER_HAS_HOLDS: ProblemKind(
        409,
        "Points of the member are set aside",
        "Capture or void its holds, and confirm or release its reservations, first.",
    ),
    RefusalCode.MERGE_WITH_SELF: ProblemKind(422, "Both are the same member", "Name two members."),
    RefusalCode.IDENTITY_TAKEN: ProblemKind(409, "The identity belongs to a member already", "Find that member by it."),
    RefusalCode.IDENTITY_NOT_FOUND: ProblemKind(
        422, "The member does not have this identity", "Read the member's identities."
    ),
    RefusalCode.ENROLLED_IN_FUTURE: ProblemKind(
        422, "The enrolment lies in the future", "Send when the member was enrolled, or leave it out."
    ),
    RefusalCode.ORDER_NOT_FOUND: ProblemKind(404, "No such order", "Check the order's id."),
    RefusalCode.ORDER_EXISTS: ProblemKind(
        409, "An order of this number was accepted with other content", "Read it by the id in details."
    ),
    RefusalCode.ORDER_ALREADY_CLAIMED: ProblemKind(409, "The order has its member", "Nothing is left to claim."),
    RefusalCode.ORDER_CLAIM_MISMATCH: ProblemKind(
        409, "The order waits for another card", "Add that card to the member first."
    ),
    RefusalCode.ORDER_IN_FUTURE: ProblemKind(422, "The order lies in the future", "Check the till's clock."),
    RefusalCode.ORDER_TOO_OLD: ProblemKind(
        422, "The order is older than the program accepts", "See details.max_age_days; ask the programme's support."
    ),
    RefusalCode.ORDER_TOTAL_TOO_LARGE: ProblemKind(422, "The order's total is too large", "Check the amounts."),
    RefusalCode.ORDER_LINE_NOT_FOUND: ProblemKind(
        422, "The order has no such line", "Read the order; lines without an id of their own are counted from 1."
    ),
    RefusalCode.ORDER_ALREADY_CANCELLED: ProblemKind(
        409, "Nothing is left of the order", "It was cancelled, or all of it came back before."
    ),
    RefusalCode.ORDER_NOT_EDITABLE: ProblemKind(
        409, "The order can no longer be edited", "Goods of it came back or were confirmed; report a return instead."
    ),
    RefusalCode.ORDER_BELOW_PAYMENT: ProblemKind(
        422, "Points paid more than the order would come to", "Report a return instead: it gives points back."
    ),
    RefusalCode.PROMO_CODE_REFUSED: ProblemKind(
        409,
        "A promo code cannot be used for this order",
        "See details.codes for the reason of each; skip or remove them.",
    ),
    RefusalCode.CURRENCY_MISMATCH: ProblemKind(422, "The program has another currency", "Send the program's currency."),
    RefusalCode.TILL_MISMATCH: ProblemKind(403, "The API key is bound to another place", "Use the key of that till."),
    RefusalCode.RESERVATION_NOT_FOUND: ProblemKind(404, "No such reservation", "Check the reservation's id."),
    RefusalCode.RESERVATION_ENDED: ProblemKind(
        409, "The reservation has ended", "It was confirmed, released or replaced; see details."
    ),
    RefusalCode.RESERVATION_EXPIRED: ProblemKind(
        409, "The reservation has run out", "What it held is free again; reserve anew."
    ),
    RefusalCode.CODE_POOL_NOT_FOUND: ProblemKind(404, "The program has no such pool of codes", "List its pools."),
    RefusalCode.CODE_POOL_UNSUITED: ProblemKind(
        409, "Members do not get codes out of this pool", "Use a pool of personal codes or of vouchers."
    ),
    RefusalCode.CODE_POOL_PAUSED: ProblemKind(409, "The pool is paused", "Activate it first."),
    RefusalCode.CODE_POOL_ENDED: ProblemKind(
        409, "Codes of the pool would expire before they can be used", "Read the pool's terms."
    ),
    RefusalCode.CODE_POOL_EMPTY: ProblemKind(409, "All codes of the pool are given out", "Upload more of them."),
    RefusalCode.RETURN_EMPTY: ProblemKind(422, "Nothing would come back", "Name more than nothing."),
    RefusalCode.RETURN_EXCEEDS_ORDER: ProblemKind(
        409, "More would come back than is left of the order", "See details for what is left."
    ),
    RefusalCode.RETURN_EXISTS: ProblemKind(
        409, "A return of this number was accepted with other content", "Read it by the id in details."
    ),
    RefusalCode.RETURN_IN_FUTURE: ProblemKind(422, "The return lies in the future", "Check the till's clock."),
    RefusalCode.RETURN_NOT_COVERED: ProblemKind(
        409,
        "The balance does not cover the points to be taken back",
        "The program refuses such returns; see details.",
    ),
    RefusalCode.RETURN_OF_FOREIGN_ORDER: ProblemKind(
        409, "The goods are of somebody else's order", "Take them back with a return of their own."
    ),
    RefusalCode.ACTIVITY_NOT_DECLARED: ProblemKind(
        422, "The program does not declare this kind of activity", "Declare it in the program; see details.declared."
    ),
    RefusalCode.ACTIVITY_SUBJECT_REQUIRED: ProblemKind(
        422, "This kind of activity counts once per subject", "Say in subject what it was about."
    ),
    RefusalCode.ACTIVITY_IN_FUTURE: ProblemKind(422, "The activity lies in the future", "Check the caller's clock."),
    RefusalCode.ACTIVITY_ALREADY_COUNTED: ProblemKind(
        409, "The activity was counted before", "Nothing is left to do; details name the operation that counted it."
    ),
    RefusalCode.ATTRIBUTE_NOT_DECLARED: ProblemKind(
        422, "The program does not declare this attribute", "Declare it in the program or leave it out."
    ),
    RefusalCode.ATTRIBUTE_TYPE_MISMATCH: ProblemKind(422, "The attribute has another type", "See details.expected."),
    RefusalCode.WALLET_NOT_FOUND: ProblemKind(422, "The program has no such wallet", "See details.known."),
    RefusalCode.WALLET_NOT_REDEEMABLE: ProblemKind(422, "This wallet cannot be spent", "See the program's wallets."),
    RefusalCode.INSUFFICIENT_POINTS: ProblemKind(409, "The balance does not suffice", "See details.available."),
    RefusalCode.POINTS_BELOW_MINIMUM: ProblemKind(422, "Too few points to redeem", "See details.min_points."),
    RefusalCode.POINTS_NOT_IN_STEP: ProblemKind(422, "Points are spent in steps", "See details.step."),
    RefusalCode.POINTS_ABOVE_SHARE: ProblemKind(422, "Points may not pay that much", "See details.most."),
    RefusalCode.BALANCE_TOO_LARGE: ProblemKind(422, "The balance would become too large", "See details.largest."),
    RefusalCode.REDEMPTION_NOT_FOUND: ProblemKind(404, "No such redemption", "Check the redemption's id."),
    RefusalCode.REDEMPTION_ALREADY_CANCELLED: ProblemKind(
        409, "The redemption was cancelled before", "The points are back already."
    ),
    RefusalCode.HOLD_NOT_FOUND: ProblemKind(404, "No such hold", "Check the hold's id."),
    RefusalCode.HOLD_ENDED: ProblemKind(409, "The hold has ended", "It was captured or voided; read it by its id."),
    RefusalCode.HOLD_EXPIRED: ProblemKind(
        409, "The hold has expired", "Its points came back by themselves; redeem them anew."
    ),
    RefusalCode.CAPTURE_EXCEEDS_HOLD: ProblemKind(422, "The hold is of fewer points", "See details.points."),
    RefusalCode.LOT_NOT_FOUND: ProblemKind(404, "No such lot", "Check the lot's id."),
    RefusalCode.LOT_EMPTY: ProblemKind(409, "Nothing is left in the lot", "There is nothing to change."),
    RefusalCode.LOT_NOT_PENDING: ProblemKind(409, "The lot's points can be spent already", "Nothing is left to do."),
    RefusalCode.EXPIRY_IN_PAST: ProblemKind(
        422, "The expiry lies in the past", "Take points away with an adjustment instead."
    ),
    RefusalCode.EARNED_IN_FUTURE: ProblemKind(
        422, "The points were earned in the future", "Send when they were earned, or leave it out."
    ),
    RefusalCode.TRANSFER_TO_SELF: ProblemKind(422, "Both are the same member", "Name another recipient."),
    RefusalCode.TIER_SET_NOT_FOUND: ProblemKind(404, "The program has no such tier set", "See details.known."),
    RefusalCode.TIER_NOT_FOUND: ProblemKind(422, "The set has no such tier", "See details.known."),
    RefusalCode.GRANT_ENDS_IN_PAST: ProblemKind(422, "The grant would be over already", "Send a later end, or none."),
    RefusalCode.GRANT_TOO_LONG: ProblemKind(422, "The grant ends too late", "Leave its end out for good."),
    RefusalCode.TIER_NOT_GRANTED: ProblemKind(409, "Nothing was given by hand", "There is nothing to end."),
    RefusalCode.PLAN_NOT_FOUND: ProblemKind(422, "The program has no such plan", "See details.known."),
    RefusalCode.PLAN_NOT_SOLD: ProblemKind(
        409,
        "The plan cannot be joined",
        "It is not sold any more, or has no more than a trial; who is in it can renew it.",
    ),
    RefusalCode.TRIAL_NOT_OFFERED: ProblemKind(409, "The plan has no trial", "Report a payment for it."),
    RefusalCode.TRIAL_USED: ProblemKind(
        409, "The member had the plan before", "A trial is for who never had the plan; report a payment for it."
    ),
    RefusalCode.MEMBERSHIP_NOT_RUNNING: ProblemKind(
        409, "The member is not in the plan", "See details.state: it ended before, or null: it never began."
    ),
    RefusalCode.MEMBERSHIP_CANCELLED: ProblemKind(
        409,
        "The membership was cancelled before",
        "It ends when what was paid for is over; ask for at_once to end it now.",
    ),
    RefusalCode.PAYMENT_AMOUNT_MISMATCH: ProblemKind(
        422,
        "The payment does not pay for a term",
        "See details.price: parts of it are not accepted, nor several terms at once.",
    ),
    RefusalCode.PAYMENT_IN_FUTURE: ProblemKind(
        422, "The payment was made in the future", "Check the clock; five minutes ahead are tolerated."
    ),
    RefusalCode.PAYMENT_EXISTS: ProblemKind(
        409, "The payment was reported before", "It counts once; see details.operation_id for what it did."
    ),
    RefusalCode.PAYMENT_NOT_FOUND: ProblemKind(
        404, "No such payment", "Only payments whose time is not over yet can be given back."
    ),
    RefusalCode.PAYMENT_NOT_LAST: ProblemKind(
        409, "Later payments follow this one", "Give the last one back first; details.later tells how many there are."
    ),
    RefusalCode.REFUND_NOT_OFFERED: ProblemKind(
        409,
        "Nothing is given back",
        "The plan says so, see details.refund; ask for in_full for a payment that bounced.",
    ),
    RefusalCode.NOT_A_SANDBOX: ProblemKind(
        409, "The program is no sandbox", "Only a program that was created as a sandbox has a clock of its own."
    ),
    RefusalCode.CLOCK_BACKWARDS: ProblemKind(
        422, "The clock only moves forward", "What happened cannot be undone by it; details.now is what it shows."
    ),
    RefusalCode.CLOCK_TOO_FAR: ProblemKind(422, "That is too far ahead", "See details.latest."),
    RefusalCode.OPERATION_NOT_FOUND: ProblemKind(404, "No such operation", "Check the operation's id."),
    RefusalCode.OPERATION_NOT_REVERSIBLE: ProblemKind(
        409, "This operation cannot be reversed", "See details for what stands in the way."
    ),
    RefusalCode.OPERATION_ALREADY_REVERSED: ProblemKind(
        409, "The operation was reversed before", "Nothing is left to do; details name the operation that did it."
    ),
    RefusalCode.REFERRALS_NOT_OFFERED: ProblemKind(
        422, "No such referral programme", "See details.known; it need not be named only where there is exactly one."
    ),
    RefusalCode.REFERRAL_CODE_NOT_FOUND: ProblemKind(
        422, "No member has this referral code", "Let the friend check it; enrol without it."
    ),
    RefusalCode.REFERRAL_OF_SELF: ProblemKind(422, "Both are the same member", "Nobody can bring themselves."),
    RefusalCode.REFERRAL_EXISTS: ProblemKind(
        409, "The friend was brought before", "A friend has one advocate, for ever; see details.referral_id."
    ),
    RefusalCode.REFERRAL_NOT_FOUND: ProblemKind(404, "No such referral", "Check the referral's id."),
    RefusalCode.REFERRAL_NOT_IN_REVIEW: ProblemKind(
        409, "There is nothing to say about the referral", "It is where the verdict would bring it; see details.state."
    ),
    RefusalCode.REFERRAL_NOT_DUE: ProblemKind(
        409, "The referral is not due", "See details.settles_at; null: nothing speaks for it, or it counts already."
    ),
    RefusalCode.FRIEND_NOT_NEW: ProblemKind(
        409, "The friend is a customer already", "Register friends when they sign up, before their first order."
    ),
    RefusalCode.ADVOCATE_NOT_ALLOWED: ProblemKind(
        409, "The advocate may not bring friends", "It does not fulfil the condition of the referral programme."
    ),
}
"""By code, in order of status for the transport's own and in order of the refusals' list for the engine's."""


def render(
    code: str, *, detail: str | None = None, errors: Sequence[Fault] = (), details: Mapping[str, Any] | None = None
) -> str:
    """Return the problem document of a code as JSON text."""
    kind = PROBLEMS[code]
    return orjson.dumps(
        {
            "type": TYPE_PREFIX + code,
            "title": kind.title,
            "status": kind.status,
            "detail": detail or kind.advice,
            "code": code,
            "retryable": kind.retryable,
            "errors": [{"pointer": e.pointer, "code": e.code, "message": e.message} for e in errors],
            "details": details or {},
        }
    ).decode()


def render_refusal(refusal: Refusal) -> str:
    """Return a refusal of the engine as a problem document; it is stored and repeated word for word."""
    title = PROBLEMS[refusal.code].title
    errors = [Fault(refusal.pointer, refusal.code, title)] if refusal.pointer else []
    return render(refusal.code, errors=errors, details=refusal.details)
