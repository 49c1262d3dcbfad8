"""Every lot that a return, cancellation or edit may have to touch, and what ends a hold.

Why: who took points back saw too few of the lots that they had left, so what had expired after a merge became a debt; and
who ended a hold did not see whether time had done so.

Two new functions; no row is touched.
"""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"

_FUNCTIONS = ("read_ending_v5", "read_touched_v5")


def upgrade() -> None:
    """Add functions and rights."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in _FUNCTIONS:
        op.execute(_read(name))
    for statement in _read("rights_v5").split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Migrations go forward only; restore a backup to go back."""
    raise NotImplementedError


def _read(name: str) -> str:
    # A colon would be read as a bound parameter by SQLAlchemy's text().
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").replace(":", "\\:")
