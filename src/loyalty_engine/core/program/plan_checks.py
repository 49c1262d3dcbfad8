"""Static checks of plans: each has a price, and privileges of what there is."""

from collections.abc import Iterator

from loyalty_engine.core.program.activities import ActivityKind
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.faults import Fault, FaultCode
from loyalty_engine.core.program.plans import NoRefund, PlanEntry
from loyalty_engine.core.program.tier_checks import Nameable, check_privileges


def check_plans(program: Program) -> Iterator[Fault]:
    """Yield the faults of all plans."""
    known = Nameable.of(program)
    for index, plan in enumerate(program.plans):
        pointer = f"/plans/{index}"
        yield from _check_price(pointer, plan)
        yield from check_privileges(f"{pointer}/privileges", plan.privileges, known)
        if plan.activity is not None:
            yield from _check_activity(
                f"{pointer}/activity", known.activities.get(plan.activity), program.plans[:index]
            )
        yield from _lint(pointer, plan)


def _check_price(pointer: str, plan: PlanEntry) -> Iterator[Fault]:
    if plan.price == 0 and plan.trial is None:
        message = "must be more than 0: only a plan that can be tried may be free, and has no more than its trial"
        yield Fault(f"{pointer}/price", FaultCode.NO_PRICE, message)


def _check_activity(pointer: str, kind: ActivityKind | None, earlier: tuple[PlanEntry, ...]) -> Iterator[Fault]:
    if kind is None:
        yield Fault(pointer, FaultCode.UNKNOWN_ACTIVITY, "is not the key of a kind of activity")
        return
    amount = kind.attributes.get("amount")
    if kind.once_per != "subject" or amount is None or amount.type != "integer":
        message = "must count once per subject and have an attribute amount, which is an integer"
        yield Fault(pointer, FaultCode.NOT_A_PAYMENT, message)
    if any(plan.activity == kind.key for plan in earlier):
        yield Fault(pointer, FaultCode.DUPLICATE_KEY, "is used by an earlier entry")


def _lint(pointer: str, plan: PlanEntry) -> Iterator[Fault]:
    if plan.price == 0:
        for field in sorted({"grace", "refund", "overpaid", "activity"} & plan.model_fields_set):
            message = "says nothing about a plan that nobody pays"
            yield Fault(f"{pointer}/{field}", FaultCode.IGNORED, message, "warning")
    elif plan.cancels == "at_once" and isinstance(plan.refund, NoRefund):
        message = "takes what was paid for, and nothing is given back"
        yield Fault(f"{pointer}/cancels", FaultCode.NOTHING_GIVEN_BACK, message, "warning")
