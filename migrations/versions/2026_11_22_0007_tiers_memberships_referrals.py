"""What binds members over months: where they are in tier sets, what they paid for, and who brought whom.

Why: a program could have no tiers, sell no memberships, and nobody could bring a friend.

The index by which a referral code leads to its member makes writers wait while members are read once; it comes last. All
tables are new and empty; the functions that read and write them come beside those of before, which know nothing of
them: programs may publish tier sets, plans and referrals as soon as no process of the release before runs any more.
"""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"

_FUNCTIONS = (
    "read_tiers_v7",
    "find_matter_v7",
    "read_earned_v7",
    "read_plans_v7",
    "list_members_v7",
    "find_advocate_v7",
    "read_sharing_v7",
    "read_upline_v7",
    "read_referrals_v7",
    "read_subject_v7",
    "gather_v7",
    "record_referrals_v7",
    "record_plans_v7",
    "record_rare_v7",
    "record_b_v7",
    "list_due_referrals_v7",
    "programs_with_due_referrals_v7",
    "read_crowd_v7",
    "sum_orders_v7",
    "record_crowd_v7",
)

_BY_PROGRAM = ("member_tier", "tier_move", "member_plan", "plan_move", "referral", "member_fingerprint")


def upgrade() -> None:
    """Add tables, functions and rights."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("tables_v7", "types_v7"):
        _execute_each(name)
    for name in _FUNCTIONS:
        op.execute(_read(name))
    _execute_each("rights_v7")
    for table in _BY_PROGRAM:
        op.execute(f"ALTER TABLE loyalty.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_program ON loyalty.{table} "
            "USING (program_id = nullif(current_setting('loyalty.program_id', true), '')::integer)"
        )
    _execute_each("indexes_v7")


def downgrade() -> None:
    """Migrations go forward only; restore a backup to go back."""
    raise NotImplementedError


def _read(name: str) -> str:
    # A colon would be read as a bound parameter by SQLAlchemy's text().
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").replace(":", "\\:")


def _execute_each(name: str) -> None:
    for statement in _read(name).split(";\n\n"):
        op.execute(statement)
