"""The life of points: they wait, expire, are held, come back with goods, change hands.

Why: points were spendable at once and for ever, and an order was final. Now members tell when something is next due with
their points and who stands for whom; holds, what became of orders and returns that wait for theirs are rows of their own.
Gather shows and record writes all of it. The functions of 0002 stay for the release before.

The indexes make writers wait while members and operations are read once, since no row is in them yet; they come last.
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"

_FUNCTIONS = (
    "stands_for_v3",
    "read_family_v3",
    "read_history_v3",
    "read_mark_v3",
    "read_lots_v3",
    "read_brought_v3",
    "read_uses_v3",
    "read_redemption_v3",
    "read_hold_v3",
    "read_holds_v3",
    "read_waiting_v3",
    "read_life_v3",
    "read_order_v3",
    "read_returned_v3",
    "read_number_v3",
    "read_bought_v3",
    "read_operation_v3",
    "read_subject_v3",
    "gather_v3",
    "record_rare_v3",
    "record_s_v3",
    "record_b_v3",
    "list_due_v3",
)

_BY_PROGRAM = ("hold", "order_change", "return_waiting")


def upgrade() -> None:
    """Add columns, tables, types, functions, rights and indexes."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("tables_v3", "types_v3"):
        _execute_each(name)
    for name in _FUNCTIONS:
        op.execute(_read(name))
    _execute_each("rights_v3")
    for table in _BY_PROGRAM:
        op.execute(f"ALTER TABLE loyalty.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_program ON loyalty.{table} "
            "USING (program_id = nullif(current_setting('loyalty.program_id', true), '')::integer)"
        )
    _execute_each("indexes_v3")


def downgrade() -> None:
    """Migrations go forward only; restore a backup to go back."""
    raise NotImplementedError


def _read(name: str) -> str:
    # A colon would be read as a bound parameter by SQLAlchemy's text().
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").replace(":", "\\:")


def _execute_each(name: str) -> None:
    for statement in _read(name).split(";\n\n"):
        op.execute(statement)
