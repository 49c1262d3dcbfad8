"""History, activities and counters: what rules may ask of a member's past, and limits that operations take from.

Why: rules could see the member's row only. Gather now reads earlier orders, marks and counters where rules ask for them,
and record takes from counters that need not exist beforehand. The functions of 0001 stay for the release before.

The index on orders makes writers wait while it is built. Who has many orders builds it on each partition beforehand,
CONCURRENTLY and with the same columns and condition: then it is only adopted here.
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"

_FUNCTIONS = (
    "read_history_v2",
    "read_counters_v2",
    "read_mark_v2",
    "read_enrolled_v2",
    "gather_v2",
    "record_s_v2",
    "record_b_v2",
    "lock_v2",
)

_BY_PROGRAM = ("activity", "activity_mark", "counter_use")


def upgrade() -> None:
    """Add columns, tables, indexes, types, functions and rights."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("tables_v2", "indexes_v2", "types_v2"):
        _execute_each(name)
    for name in _FUNCTIONS:
        op.execute(_read(name))
    _execute_each("rights_v2")
    for table in _BY_PROGRAM:
        op.execute(f"ALTER TABLE loyalty.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_program ON loyalty.{table} "
            "USING (program_id = nullif(current_setting('loyalty.program_id', true), '')::integer)"
        )


def downgrade() -> None:
    """Migrations go forward only; restore a backup to go back."""
    raise NotImplementedError


def _read(name: str) -> str:
    # A colon would be read as a bound parameter by SQLAlchemy's text().
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").replace(":", "\\:")


def _execute_each(name: str) -> None:
    for statement in _read(name).split(";\n\n"):
        op.execute(statement)
