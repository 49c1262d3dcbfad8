"""Work that runs later, receipts that somebody has to look at, and the clock of sandboxes.

Why: what became due was booked by a command only, a receipt that came too late was refused for good, and nobody could
see what a year does to a program in less than a year.

The program's new columns have constant defaults, so no row is rewritten; all else is new and empty.
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"

_FUNCTIONS = ("claim_job_v4", "programs_due_v4")

_BY_PROGRAM = ("job", "job_file", "job_fault", "posting_day", "order_review")


def upgrade() -> None:
    """Add columns, tables, functions and rights."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _execute_each("tables_v4")
    for name in _FUNCTIONS:
        op.execute(_read(name))
    _execute_each("rights_v4")
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
