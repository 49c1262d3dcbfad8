"""Crowds: of many members with whom something is due, those that can be reviewed together."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_crowds import Bought, Crowd, Review, Stretch, Waiting, has_crowds
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.crowds import read_crowd, sum_orders

_NOTHING = Bought(0, 0, 0)


async def review_crowd(
    connection: Connection, ruleset: Ruleset, program_id: int, members: Sequence[UUID], *, now: datetime
) -> list[Review]:
    """Return the reviews of those of the members that have nothing of their own to look at.

    None are reviewed like that where memberships may end, too, or under rules that are not current any more. What members
    bought is read after their versions, which guard the reviews.
    """
    if not has_crowds(ruleset) or ruleset.plans:
        return []
    crowd = Crowd(ruleset, now)
    alike: dict[tuple[Stretch, ...], list[Waiting]] = defaultdict(list)
    for waiting in await read_crowd(connection, program_id, members, now=now, revision=ruleset.revision):
        stretches = crowd.stretches_of(waiting)
        if stretches is not None:
            alike[stretches].append(waiting)
    reviews = list[Review]()
    for stretches, found in alike.items():
        reviews += await _review(connection, crowd, program_id, stretches=stretches, found=found)
    return reviews


async def _review(
    connection: Connection, crowd: Crowd, program_id: int, *, stretches: Sequence[Stretch], found: Sequence[Waiting]
) -> list[Review]:
    members = [waiting.member.id for waiting in found]
    sums = [(stretch.at, await sum_orders(connection, program_id, members, stretch)) for stretch in stretches]
    reviews = []
    for waiting in found:
        bought = {at: bought.get(waiting.member.id, _NOTHING) for at, bought in sums}
        review = crowd.review(waiting, bought, uuid7())
        if review is not None:
            reviews.append(review)
    return reviews
