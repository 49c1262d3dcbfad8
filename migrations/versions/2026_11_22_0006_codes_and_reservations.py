"""Promo codes, reservations, and what these hold of counters.

Why: a promotion could not be opened by a code, and a shop could not hold the price that its customer saw until that was
paid.

All tables are new and empty; the functions that read and write them come beside those of before, which do not count what
reservations hold: shops may reserve as soon as no process of the release before runs any more.
"""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"

_FUNCTIONS = (
    "read_counters_v6",
    "read_codes_v6",
    "read_pools_v6",
    "read_reservation_v6",
    "read_life_v6",
    "read_order_v6",
    "read_returned_v6",
    "read_subject_v6",
    "gather_v6",
    "record_rare_v6",
    "record_b_v6",
)

_BY_PROGRAM = ("code_pool", "promo_code", "reservation", "reservation_end", "counter_lease")


def upgrade() -> None:
    """Add tables, functions and rights."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("tables_v6", "types_v6"):
        _execute_each(name)
    for name in _FUNCTIONS:
        op.execute(_read(name))
    _execute_each("rights_v6")
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
