"""A second gather, for requests that ask for little.

Why: most looks, orders and redemptions ask for a member and its points, and paid for the plan of all that others ask for.
"""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Add types and a function."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _execute_each("types_v9")
    op.execute(_read("gather_plain_v9"))
    _execute_each("rights_v9")


def downgrade() -> None:
    """Migrations go forward only; restore a backup to go back."""
    raise NotImplementedError


def _read(name: str) -> str:
    # A colon would be read as a bound parameter by SQLAlchemy's text().
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").replace(":", "\\:")


def _execute_each(name: str) -> None:
    for statement in _read(name).split(";\n\n"):
        op.execute(statement)
