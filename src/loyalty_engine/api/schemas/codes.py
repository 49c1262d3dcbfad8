"""Promo codes of a cart: as customers type them, and what became of each."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.schemas.fields import Answer
from loyalty_engine.api.schemas.reasons import PromotionReasonAnswer
from loyalty_engine.core.kernel.codes import MAX_TYPED, FoldedCode, fold_code
from loyalty_engine.core.kernel.identities import Identity

MAX_CODES: Final = 10
_DIGEST_DIGITS: Final = 32

TypedCode = Annotated[str, StringConstraints(max_length=MAX_TYPED)]


def fold_codes(typed: Sequence[str]) -> tuple[FoldedCode, ...]:
    """Return codes folded; refuse two that are one. A text that no code can be stays as it is: nobody knows it."""
    folded = tuple([fold_code(text) or FoldedCode(text) for text in typed])
    seen: set[FoldedCode] = set()
    for place, code in enumerate(folded):
        if code in seen:
            fault = Fault(f"/codes/{place}", "code_repeated", "is the same code as one before it")
            raise ProblemError("validation_failed", errors=[fault])
        seen.add(code)
    return folded


def digest_guest(program_id: int, guest: Identity) -> str:
    """Return by what uses of a guest are counted.

    It does not show who it is, but has no secret in it: whoever has the digest and a list of identities finds those that are
    in both. So it is to be kept like personal data.
    """
    return sha256(f"{program_id}|{guest}".encode()).hexdigest()[:_DIGEST_DIGITS]


class CodeAnswer(Answer):
    """What became of a promo code."""

    code: str = Field(description="The code as it was sent.", examples=["summer-26"])
    promotion: str | None = Field(
        description="The promotion that it opens, as far as known. Callers without codes:read are not told with "
        "member_required, guest_required and limit_reached.",
        examples=["summer"],
    )
    used: bool = Field(description="Whether its promotion applied; that counts as one use.", examples=[True])
    reason: str = Field(
        description="Stable code: used, promotion_failed, given_twice, member_required, guest_required, member_limit, "
        "guest_limit, limit_reached or unknown; for callers with codes:read also used_up, paused, not_started, expired, "
        "wrong_member, promotion_gone and opens_nothing, which are unknown to others.",
        examples=["used"],
    )
    limit: dict[str, Any] | None = Field(
        default=None,
        description="The limit that was reached.",
        examples=[{"per": "member", "times": 3, "period": "week"}],
    )
    why: PromotionReasonAnswer | None = Field(
        default=None,
        description="With promotion_failed, why its promotion did not apply.",
        examples=[{"promotion": "summer", "applied": False, "code": "outdone", "amount": 0}],
    )
