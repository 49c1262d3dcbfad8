"""Properties of uses of promo codes over any life: within their limits always, and given back once, or never."""

from datetime import timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.engine.decision import Accepted
from loyalty_engine.core.engine.requests import CancelOrder
from loyalty_engine.core.engine.ruleset import Ruleset
from tests.core.engine_cases import call
from tests.core.lives import LIFE, Life, Step, rules

Steps = list[tuple[timedelta, Step]]

POLICIES: Final = st.builds(rules, discounts=st.sampled_from(["proportional", "recomputed"]))
_APART: Final = frozenset({"merge", "status"})
"""What lets members be somebody else, or nobody: their orders cannot all be cancelled any more."""


def uses(life: Life) -> dict[str, int]:
    """Return what is used of codes, by all and by members."""
    found = {name: used for name, used in life.store.shared.items() if name.startswith("code/")}
    for member in life.store.members.values():
        own = {f"{member.id} {name}": used for name, used in member.counters.items() if name.startswith("code/")}
        found.update(own)
    return {name: used for name, used in found.items() if used}


def live(ruleset: Ruleset, steps: Steps) -> Life:
    return Life(ruleset).live([(pause, step) for pause, step in steps if step[0] not in _APART])


@given(POLICIES, LIFE)
def test_what_is_cancelled_in_the_end_has_used_nothing(ruleset: Ruleset, steps: Steps) -> None:
    life = live(ruleset, steps)

    for n, order_id in enumerate([*life.store.orders], start=500):
        if not life.store.orders[order_id].state.is_gone:
            assert isinstance(life.store.decide(CancelOrder(call(n), order_id, "why"), life.now), Accepted)

    assert uses(life) == {}


@given(LIFE)
def test_where_uses_stay_used_they_only_grow(steps: Steps) -> None:
    life, before = Life(rules(discounts="recomputed", codes="stays_used")), dict[str, int]()
    for step in steps:
        life = life.live([step]) if step[1][0] not in _APART else life
        now = {name: used for name, used in uses(life).items() if "/lifetime/" in name}
        assert all(now.get(name, 0) >= used for name, used in before.items())
        before = now


@given(POLICIES, LIFE)
def test_no_member_uses_a_code_more_often_than_it_may(ruleset: Ruleset, steps: Steps) -> None:
    life = live(ruleset, steps)
    most = {"0NCE": 1, "EACH": 1, "M0NTH": 2, "HERS": 2}
    for name, used in uses(life).items():
        code = name.partition("code/")[2].partition("/")[0]
        assert used <= (1 if " code/M0NTH" in name else most[code])
