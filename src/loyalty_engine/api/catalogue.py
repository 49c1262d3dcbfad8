"""The error catalogue as a page for people: every problem code, and every fault of program documents."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from loyalty_engine.api.problems import PROBLEMS, TYPE_PREFIX
from loyalty_engine.core.program.faults import FaultCode

_HEAD: Final = f"""\
# Errors

Made by `make openapi` from the tables in the code; do not edit.

Every error is `application/problem+json` in the form of RFC 9457. Branch on `code`, which never changes its meaning;
`title`, `detail` and messages may change. `errors` lists each fault of the request with a JSON pointer, `details` holds
the numbers that explain the error.

- A **4xx moved no value, ever**. Business refusals are remembered: the same idempotency key stays refused, a fresh key
  may succeed. Errors of form, of access and of size are not remembered.
- A **5xx or a time-out leaves the outcome open**: ask again with the same idempotency key until an answer comes.
- `type` is `{TYPE_PREFIX}` followed by the code.

## Problems

"""

_FAULTS_HEAD: Final = """
## Faults of a program document

`program_invalid` lists them in `errors`, with a JSON pointer into the document. Some of them, `minimum_not_in_step`,
`never_holds`, `never_open`, `window_passed` and those from `unbounded` to `ignored`, are only warnings: the document can be published, and the answer shows them.

"""

_FAULTS: Final[Mapping[FaultCode, str]] = {
    FaultCode.REQUIRED: "A field is missing.",
    FaultCode.UNKNOWN_FIELD: "There is no such field here.",
    FaultCode.UNKNOWN_CHOICE: "The value is none of those allowed.",
    FaultCode.UNKNOWN_CONDITION: "The object is no kind of condition.",
    FaultCode.NOT_EXACTLY_ONE: "Exactly one of several fields must be given.",
    FaultCode.WRONG_TYPE: "The value has another type.",
    FaultCode.MALFORMED: "The value does not have its form.",
    FaultCode.OUT_OF_RANGE: "The number is too small or too large.",
    FaultCode.TOO_SHORT: "The text or list is too short.",
    FaultCode.TOO_LONG: "The text or list is too long.",
    FaultCode.TOO_DEEP: "The document or condition is nested too deep.",
    FaultCode.TOO_LARGE: "The document holds too many values.",
    FaultCode.TOO_MANY_FAULTS: "There are more faults than are listed.",
    FaultCode.UNKNOWN_CURRENCY: "ISO 4217 knows no such currency, or none with a minor unit.",
    FaultCode.UNKNOWN_TIME_ZONE: "The IANA database knows no such time zone.",
    FaultCode.DUPLICATE_KEY: "Two entries of one list have the same key.",
    FaultCode.UNKNOWN_WALLET: "The rule names a wallet that the document does not have.",
    FaultCode.MONEY_WALLET_REQUIRED: "A percentage is earned into a money wallet only.",
    FaultCode.INEXACT_REDEEM: "Some steps of points would not be worth whole minor units.",
    FaultCode.MINIMUM_NOT_IN_STEP: "The least redeemable amount is no multiple of the step.",
    FaultCode.UNKNOWN_FACT: "The condition reads a fact that does not exist.",
    FaultCode.UNDECLARED_ATTRIBUTE: "The condition reads an attribute that the document does not declare.",
    FaultCode.UNKNOWN_OPTION: "The attribute never has this value: it is none of its declared options.",
    FaultCode.OPERATOR_NOT_ALLOWED: "The fact cannot be compared in this way.",
    FaultCode.FACT_NOT_AVAILABLE: "Orders have facts that activities do not have, and the other way round; promotions come before points pay.",
    FaultCode.TOO_MANY_NODES: "The condition has too many parts.",
    FaultCode.NEVER_HOLDS: "The condition can never hold, or nothing is ever selected.",
    FaultCode.UNKNOWN_ACTIVITY: "The rule or tier set names a kind of activity that the document does not have.",
    FaultCode.UNKNOWN_GROUP: "The rule or group names a group that the document does not have.",
    FaultCode.UNKNOWN_RULE: "The multiplier names a rule that the document does not have.",
    FaultCode.CYCLIC_GROUPS: "The group is a part of itself.",
    FaultCode.MIXED_GROUP: "In one group either multipliers compete or other rules.",
    FaultCode.ORDER_REQUIRED: "Activities have neither lines nor amounts to earn on.",
    FaultCode.EMPTY_WINDOW: "The window ends before it starts.",
    FaultCode.NEVER_OPEN: "The schedule has no day inside the window.",
    FaultCode.WINDOW_PASSED: "The window lies in the past.",
    FaultCode.TOO_MANY_LIMITS: "Too many rules, or too many promotions, are limited per member.",
    FaultCode.NO_END: "Tiers are kept to the end of a window that has none.",
    FaultCode.UNCOUNTABLE: "What a tier set counts cannot be counted over its window, or by a decimal.",
    FaultCode.UNBOUNDED: "The promotion can be as much as the whole cart, and nothing bounds it.",
    FaultCode.FREE_OF_CHARGE: "The promotion is 100 % off all goods, or a friend need buy no more than what the referral gives.",
    FaultCode.WHOLE_CART: "The amount off is as much as the cart must cost at least.",
    FaultCode.LESS_FOR_MORE: "A higher step gives less than the one before it would.",
    FaultCode.NO_LIMIT: "What comes off every order for ever has neither a limit nor a budget.",
    FaultCode.NEVER_FIRST: "Another promotion is open whenever this one is, and goes first.",
    FaultCode.NEVER_BEST: "Another promotion is open whenever this one is, and saves no less.",
    FaultCode.NOBODY_GETS_IT: "A promotion for guests has a limit per member, nothing leads to a tier, or a referral rewards nobody.",
    FaultCode.IGNORED: "The field says nothing beside the others, such as about an effect of this kind.",
    FaultCode.REWARDED_TOO_EARLY: "Friends are rewarded while their goods can still come back.",
    FaultCode.NO_PRICE: "A plan that cannot be tried has no price.",
    FaultCode.NOT_A_PAYMENT: "The kind of activity cannot report payments: it must count once per subject and have an integer amount.",
    FaultCode.NOTHING_GIVEN_BACK: "A membership ends at once when it is cancelled, and nothing is given back.",
    FaultCode.UNKNOWN_PLAN: "The program has no such plan.",
    FaultCode.UNKNOWN_CODE_POOL: "The program has no such pool of promo codes yet.",
    FaultCode.UNSUITED_CODE_POOL: "The codes of the pool are not given to members one by one.",
    FaultCode.CURRENCY_IN_USE: "The program has members or operations in its currency, which so has to stay.",
    FaultCode.WALLET_IN_USE: "Somebody has an amount in the wallet, which so has to stay as it is.",
    FaultCode.PLAN_IN_USE: "Somebody is in the plan, which so has to stay; it need not be sold any more.",
}
"""What each fault means. The code alone decides which there are: a missing meaning fails the test of this page."""


def render_catalogue() -> str:
    """Return the whole page."""
    problems = (
        (f"`{code}`", str(kind.status), "yes" if kind.retryable else "no", f"{kind.title}.", kind.advice)
        for code, kind in sorted(PROBLEMS.items())
    )
    faults = ((f"`{code}`", _FAULTS[code]) for code in FaultCode)
    return "".join(
        (
            _HEAD,
            *_table(("code", "status", "retryable", "meaning", "advice"), problems),
            _FAULTS_HEAD,
            *_table(("code", "meaning"), faults),
        )
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from (_row(row) for row in rows)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
