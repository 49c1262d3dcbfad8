"""Every way in which the engine says no to a well-formed request, as one closed list.

A refusal moves no value, ever. The codes are stable: clients branch on them. HTTP status and wording live beside
the API (``api/problems.py``), and a test proves that both lists are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn


class RefusalCode(StrEnum):
    """Stable codes, grouped by the noun they speak of."""

    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"

    MEMBER_NOT_FOUND = "member_not_found"
    MEMBER_BLOCKED = "member_blocked"
    MEMBER_REQUIRED = "member_required"
    MEMBER_ALREADY_BLOCKED = "member_already_blocked"
    MEMBER_NOT_BLOCKED = "member_not_blocked"
    MEMBER_HAS_HOLDS = "member_has_holds"
    MERGE_WITH_SELF = "merge_with_self"
    IDENTITY_TAKEN = "identity_taken"
    IDENTITY_NOT_FOUND = "identity_not_found"
    ENROLLED_IN_FUTURE = "enrolled_in_future"

    ORDER_NOT_FOUND = "order_not_found"
    ORDER_EXISTS = "order_exists"
    ORDER_ALREADY_CLAIMED = "order_already_claimed"
    ORDER_CLAIM_MISMATCH = "order_claim_mismatch"
    ORDER_IN_FUTURE = "order_in_future"
    ORDER_TOO_OLD = "order_too_old"
    ORDER_TOTAL_TOO_LARGE = "order_total_too_large"
    ORDER_LINE_NOT_FOUND = "order_line_not_found"
    ORDER_ALREADY_CANCELLED = "order_already_cancelled"
    ORDER_NOT_EDITABLE = "order_not_editable"
    ORDER_BELOW_PAYMENT = "order_below_payment"
    PROMO_CODE_REFUSED = "promo_code_refused"
    CURRENCY_MISMATCH = "currency_mismatch"
    TILL_MISMATCH = "till_mismatch"

    RESERVATION_NOT_FOUND = "reservation_not_found"
    RESERVATION_ENDED = "reservation_ended"
    RESERVATION_EXPIRED = "reservation_expired"

    CODE_POOL_NOT_FOUND = "code_pool_not_found"
    CODE_POOL_UNSUITED = "code_pool_unsuited"
    CODE_POOL_PAUSED = "code_pool_paused"
    CODE_POOL_ENDED = "code_pool_ended"
    CODE_POOL_EMPTY = "code_pool_empty"

    RETURN_EMPTY = "return_empty"
    RETURN_EXCEEDS_ORDER = "return_exceeds_order"
    RETURN_EXISTS = "return_exists"
    RETURN_IN_FUTURE = "return_in_future"
    RETURN_NOT_COVERED = "return_not_covered"
    RETURN_OF_FOREIGN_ORDER = "return_of_foreign_order"

    ACTIVITY_NOT_DECLARED = "activity_not_declared"
    ACTIVITY_SUBJECT_REQUIRED = "activity_subject_required"
    ACTIVITY_IN_FUTURE = "activity_in_future"
    ACTIVITY_ALREADY_COUNTED = "activity_already_counted"

    ATTRIBUTE_NOT_DECLARED = "attribute_not_declared"
    ATTRIBUTE_TYPE_MISMATCH = "attribute_type_mismatch"

    WALLET_NOT_FOUND = "wallet_not_found"
    WALLET_NOT_REDEEMABLE = "wallet_not_redeemable"
    INSUFFICIENT_POINTS = "insufficient_points"
    POINTS_BELOW_MINIMUM = "points_below_minimum"
    POINTS_NOT_IN_STEP = "points_not_in_step"
    POINTS_ABOVE_SHARE = "points_above_share"
    BALANCE_TOO_LARGE = "balance_too_large"

    REDEMPTION_NOT_FOUND = "redemption_not_found"
    REDEMPTION_ALREADY_CANCELLED = "redemption_already_cancelled"
    HOLD_NOT_FOUND = "hold_not_found"
    HOLD_ENDED = "hold_ended"
    HOLD_EXPIRED = "hold_expired"
    CAPTURE_EXCEEDS_HOLD = "capture_exceeds_hold"

    LOT_NOT_FOUND = "lot_not_found"
    LOT_EMPTY = "lot_empty"
    LOT_NOT_PENDING = "lot_not_pending"
    EXPIRY_IN_PAST = "expiry_in_past"
    EARNED_IN_FUTURE = "earned_in_future"
    TRANSFER_TO_SELF = "transfer_to_self"

    TIER_SET_NOT_FOUND = "tier_set_not_found"
    TIER_NOT_FOUND = "tier_not_found"
    GRANT_ENDS_IN_PAST = "grant_ends_in_past"
    GRANT_TOO_LONG = "grant_too_long"
    TIER_NOT_GRANTED = "tier_not_granted"

    PLAN_NOT_FOUND = "plan_not_found"
    PLAN_NOT_SOLD = "plan_not_sold"
    TRIAL_NOT_OFFERED = "trial_not_offered"
    TRIAL_USED = "trial_used"
    MEMBERSHIP_NOT_RUNNING = "membership_not_running"
    MEMBERSHIP_CANCELLED = "membership_cancelled"
    PAYMENT_AMOUNT_MISMATCH = "payment_amount_mismatch"
    PAYMENT_IN_FUTURE = "payment_in_future"
    PAYMENT_EXISTS = "payment_exists"
    PAYMENT_NOT_FOUND = "payment_not_found"
    PAYMENT_NOT_LAST = "payment_not_last"
    REFUND_NOT_OFFERED = "refund_not_offered"

    NOT_A_SANDBOX = "not_a_sandbox"
    CLOCK_BACKWARDS = "clock_backwards"
    CLOCK_TOO_FAR = "clock_too_far"

    OPERATION_NOT_FOUND = "operation_not_found"
    OPERATION_NOT_REVERSIBLE = "operation_not_reversible"
    OPERATION_ALREADY_REVERSED = "operation_already_reversed"

    REFERRALS_NOT_OFFERED = "referrals_not_offered"
    REFERRAL_CODE_NOT_FOUND = "referral_code_not_found"
    REFERRAL_OF_SELF = "referral_of_self"
    REFERRAL_EXISTS = "referral_exists"
    REFERRAL_NOT_FOUND = "referral_not_found"
    REFERRAL_NOT_IN_REVIEW = "referral_not_in_review"
    REFERRAL_NOT_DUE = "referral_not_due"
    FRIEND_NOT_NEW = "friend_not_new"
    ADVOCATE_NOT_ALLOWED = "advocate_not_allowed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal: its code, where in the request the fault lies, and the numbers that explain it.

    ``pointer`` is a JSON pointer into the request body ("" when the whole request is meant). ``details`` holds
    plain JSON values only and never personal data.
    """

    code: RefusalCode
    pointer: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class RefusalError(Exception):
    """Carries a refusal from where it is found up to ``decide``, which turns it into a decision."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def refuse(code: RefusalCode, pointer: str = "", **details: object) -> NoReturn:
    """Stop the decision: the request is refused."""
    raise RefusalError(Refusal(code, pointer, details))
