"""Faults that a process of :mod:`tests.harness.staged` is started with, to show that the checkers see them."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from loyalty_engine.application import executor
from loyalty_engine.core.earning.evaluation import Use
from loyalty_engine.core.engine import fold, referral_following, returns, settlement
from loyalty_engine.core.engine.decision import Changes, Take
from loyalty_engine.core.memberships.membership import Membership
from loyalty_engine.core.memberships.terms import PlanTerms
from loyalty_engine.core.points.book import Book
from loyalty_engine.core.referrals.state import Referral
from loyalty_engine.core.returns.goods import Payment
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.order import Order
from loyalty_engine.core.tiers.ladder import Ladder
from loyalty_engine.core.tiers.standings import Standing
from loyalty_engine.persistence import ledger, rare_rows


def skip_debts() -> None:
    """Debts are not paid."""

    def pay_debt(*_: object) -> None:
        return

    Book.pay_debt = pay_debt  # type: ignore[method-assign,assignment]  # that is the fault


def round_each_refund() -> None:
    """What points had paid is rounded for each return by itself, not for all of them together."""

    def pay_back(order: Order, kept: Order, payment: Payment | None, state: OrderState) -> OrderState:
        total = order.goods_total + order.shipping
        returned = total - kept.goods_total - kept.shipping
        if payment is None:
            return replace(state, refunded=returned)
        earlier = payment.amount * state.restored // payment.points
        back = payment.share(returned - state.refunded - earlier, total)
        return replace(state, refunded=returned - earlier - back.amount, restored=state.restored + back.points)

    vars(returns)["pay_back"] = pay_back


def forget_refusals() -> None:
    """Refusals are told, but not kept with their key."""
    kept = fold.fold

    def forgetful(parts: Any, notes: Any = ()) -> Any:  # noqa: ANN401 - as the original has them
        return kept(parts, [note for note in notes if note.operation_id is not None])

    vars(executor)["fold"] = forgetful


def drop_guards() -> None:
    """A write is believed to have been first, though another one was: it is read anew by nobody."""

    async def record(connection: Any, entries: Any) -> list[bool]:  # noqa: ANN401 - as the original has them
        await honest(connection, entries)
        return [True] * len(entries)

    honest = ledger.record
    vars(ledger)["record"] = record


def acknowledge_early() -> None:
    """Now and then a write is told to be there before it is, and then it never comes."""
    turns = itertools.count()

    async def record(connection: Any, entries: Any) -> list[bool]:  # noqa: ANN401 - as the original has them
        if next(turns) % 10 == 9:
            return [True] * len(entries)
        return await honest(connection, entries)

    honest = ledger.record
    vars(ledger)["record"] = record


def forget_keys() -> None:
    """Operations are kept under another key than that of their request."""
    kept = fold.fold

    def forgetful(parts: Any, notes: Any = ()) -> Any:  # noqa: ANN401 - as the original has them
        return kept([_without_key(part) for part in parts], notes)

    vars(executor)["fold"] = forgetful


def forget_caps() -> None:
    """Limits that all share are judged by what was read, and nobody looks again when it is written."""

    def takes_of(uses: Iterable[Use]) -> tuple[Take, ...]:
        return tuple([replace(take, cap=10**15) for take in honest(uses)])

    honest = settlement.takes_of
    vars(settlement)["takes_of"] = takes_of


def _without_key(part: Changes) -> Changes:
    call = replace(part.operation.call, key=f"other {part.operation.id}") if part.operation.call.key else None
    return part if call is None else replace(part, operation=replace(part.operation, call=call))


def forget_ends() -> None:
    """Reservations are confirmed and released, but nobody notes that they have ended."""
    kept = vars(rare_rows)["_about_reservation"]

    def forgetful(n: int, part: Changes) -> Any:  # noqa: ANN401 - as the original has them
        return kept(n, replace(part, reservation_end=None))

    vars(rare_rows)["_about_reservation"] = forgetful


def keep_tiers() -> None:
    """Whatever comes back, nobody loses the tier that it led to."""

    def lower(_: Ladder, standing: Standing, *__: object, **___: object) -> Standing:
        return standing

    Ladder.lower = lower  # type: ignore[method-assign,assignment]  # that is the fault


def forget_tiers() -> None:
    """Members are told to have risen, but nobody notes where they are."""

    def nothing(_: object) -> Iterable[Any]:
        return ()

    vars(rare_rows)["show_moves"] = nothing


def keep_rewards() -> None:
    """Friends and advocates keep what they got, whatever comes back."""

    def disprove(referral: Referral, _: object) -> Referral:
        return referral

    vars(referral_following)["disprove"] = disprove


def forget_plans() -> None:
    """Members are told what they paid for, but nobody notes it."""

    def nothing(_: object) -> Iterable[Any]:
        return ()

    vars(rare_rows)["show_memberships"] = nothing


def graceful_leaving() -> None:
    """Who leaves at the end of what was paid for has a time of grace all the same."""
    honest = PlanTerms.cancel

    def cancel(terms: PlanTerms, held: Membership, now: datetime, *, at_once: bool) -> Membership:
        left = honest(terms, held, now, at_once=at_once)
        return left if at_once else replace(left, ends_at=max(left.ends_at, held.ends_at))

    PlanTerms.cancel = cancel  # type: ignore[method-assign,assignment]  # that is the fault


FAULTS: Final[Mapping[str, Callable[[], None]]] = {
    "skipped debts": skip_debts,
    "rounding each refund": round_each_refund,
    "forgotten refusals": forget_refusals,
    "dropped guards": drop_guards,
    "early acknowledgements": acknowledge_early,
    "forgotten keys": forget_keys,
    "forgotten ends": forget_ends,
    "forgotten caps": forget_caps,
    "kept tiers": keep_tiers,
    "forgotten tiers": forget_tiers,
    "kept rewards": keep_rewards,
    "forgotten plans": forget_plans,
    "grace for who left": graceful_leaving,
}
