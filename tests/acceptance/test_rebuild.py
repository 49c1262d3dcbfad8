"""``loyalty check --rebuild``: what is stored is held against what history says, and the difference is named."""

from tests.harness.api import Api
from tests.harness.ledger import Ledger
from tests.harness.programs import Program
from tests.harness.service import run


async def test_a_sound_program_is_rebuilt_as_stored(client: Api, program: Program) -> None:
    member = await client.new_member(100)
    await client.redeem(member, 30)

    checked = run("check", "--rebuild", "--program", program.key, LOYALTY_DATABASE_URL=program.database_url)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.splitlines()[-6:] == [
        "ok    answers_tell_their_operation",
        "ok    answers_equal_postings",
        "ok    lots_were_earned_by_postings",
        "ok    operations_have_their_key",
        "ok    answers_tell_where_members_were_led",
        "1 members rebuilt; 0 figures are stored otherwise.",
    ]


async def test_a_figure_that_history_does_not_explain_is_named(client: Api, program: Program, ledger: Ledger) -> None:
    member = await client.new_member(100)
    change = "UPDATE balance SET available = available + $2 WHERE program_id = $1"
    await ledger.connection.execute(change, program.id, 7)

    checked = run("check", "--rebuild", "--program", program.key, LOYALTY_DATABASE_URL=program.database_url)
    await ledger.connection.execute(change, program.id, -7)  # all programs may be checked later

    assert checked.returncode == 1
    found = f"FAIL  rebuilt: program {program.id}, {member}, balance points, available: stored 107, rebuilt 100"
    assert found in checked.stdout.splitlines()
    assert checked.stdout.splitlines()[-1] == "1 members rebuilt; 1 figures are stored otherwise."


async def test_a_check_alone_rebuilds_nothing(program: Program) -> None:
    checked = run("check", "--program", program.key, LOYALTY_DATABASE_URL=program.database_url)

    assert checked.returncode == 0
    assert checked.stdout.splitlines()[-1] == "The ledger is sound."
