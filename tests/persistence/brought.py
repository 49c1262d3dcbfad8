"""A program in which members brought friends, and faults to plant in its rows.

In a fault ``{p}`` is the program, ``{anna}`` the advocate, ``{ben}`` a friend for whom both were rewarded.
"""

from typing import Final

from loyalty_engine.core.engine.referral_requests import SeeFingerprints
from tests.harness.friends import DAY, document_of_friends, fingerprints, open_shop
from tests.harness.programs import MakeProgram
from tests.persistence.lively import Lively


async def bring(new_program: MakeProgram) -> Lively:
    """Make the program: one friend was rewarded, one waits for a look, one is due, and one brought its goods back."""
    rules = document_of_friends()
    rules["policies"] = {"returns": {"clawback": "clamp"}}
    program = await new_program(rules)
    async with open_shop(program) as shop:
        await shop.enrol("anna", "ben", "carl", "dora", "emil")
        await shop.do(SeeFingerprints(shop.call(), shop.names["anna"], fingerprints(device="d" * 16)))
        await shop.register("ben", by="anna")
        await shop.register("carl", by="anna", device="d" * 16)
        await shop.register("emil", by="anna")
        await shop.buy("ben")
        taken_back = await shop.buy("emil")
        shop.now += 15 * DAY
        await shop.reward()
        await shop.spend("emil", 300)
        await shop.cancel(taken_back)
        await shop.register("dora", by="anna")
        await shop.buy("dora")
        return Lively(program, dict(shop.names))


FAULTS: Final = {
    "a reward that nobody booked": (
        "UPDATE referral SET given = jsonb_set(given, '{{0,points}}', '301') WHERE program_id = {p} AND state = 'rewarded'",
        {"referrals_gave_what_was_booked"},
    ),
    "points that nobody forgave": (
        "UPDATE operation_detail SET facts = '{{}}' WHERE program_id = {p} AND facts ->> 'forgiven' = '300'",
        {"referrals_gave_what_was_booked"},
    ),
    "an advocate that lost count": (
        "UPDATE member SET counters = counters - 'referral/friends/friends/lifetime/' WHERE program_id = {p} AND id = '{anna}'",
        {"referrals_are_counted_for_their_advocates"},
    ),
    "a limit that counts one too many": (
        (
            "UPDATE member SET counters = jsonb_set(counters, '{{referral/friends/rewarded/month/2026-03}}', '2') "
            "WHERE program_id = {p} AND id = '{anna}'"
        ),
        {"referrals_are_counted_for_their_advocates"},
    ),
    "a friend that forgot who brought it": (
        "UPDATE member SET counters = counters - 'referral/friends/brought/lifetime/' WHERE program_id = {p} AND id = '{ben}'",
        {"referrals_count_their_friends"},
    ),
    "a reward that never becomes due": (
        "UPDATE referral SET due_at = NULL WHERE program_id = {p}",
        {"referrals_are_where_they_say"},
    ),
    "a referral that counts for nothing": (
        "UPDATE referral SET proofs = '[]' WHERE program_id = {p} AND state = 'rewarded'",
        {"referrals_are_where_they_say"},
    ),
    "a friend of somebody else": (
        "UPDATE referral SET advocate_id = '{ben}' WHERE program_id = {p} AND state = 'rewarded'",
        {"referrals_are_counted_for_their_advocates", "referrals_have_their_operation"},
    ),
    "a referral that is lost": (
        "DELETE FROM referral WHERE program_id = {p} AND state = 'in_review'",
        {"referrals_have_their_operation"},
    ),
}
