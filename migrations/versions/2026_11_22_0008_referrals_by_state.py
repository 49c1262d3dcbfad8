"""Lists of referrals in any state; what members earned, read for as long as it counts.

Why: only those in review were found at once; for a state that few are in, all the others were read. Every order of a
member read all that it ever earned, where a tier set counts points.

While the indexes are built, whoever asks for members or referrals waits: seconds for a million. One takes the place of that
of referrals in review. That of codes has the program last now: a plan made while there were no members looked each of them up
by the program alone, until the server had its figures.
"""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"

_FUNCTIONS = ("read_earned_v8", "find_matter_v8", "gather_v8", "read_crowd_v8", "record_crowd_v8")


def upgrade() -> None:
    """Add a type, functions and indexes."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _execute_each("types_v8")
    for name in _FUNCTIONS:
        op.execute(_read(name))
    _execute_each("rights_v8")
    _execute_each("indexes_v8")


def downgrade() -> None:
    """Migrations go forward only; restore a backup to go back."""
    raise NotImplementedError


def _read(name: str) -> str:
    # A colon would be read as a bound parameter by SQLAlchemy's text().
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").replace(":", "\\:")


def _execute_each(name: str) -> None:
    for statement in _read(name).split(";\n\n"):
        op.execute(statement)
