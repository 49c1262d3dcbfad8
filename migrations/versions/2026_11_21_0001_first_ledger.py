"""First ledger: members, balances, lots, orders, operations, program documents, API keys; gather and record.

Why: there was nothing before. Two roles exist from here on: the owner, which holds tables and functions, and the
application, which cannot change a ledger row.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"

_STATEMENTS = ("tables_v1", "types_v1")
_FUNCTIONS = (
    "read_earlier_v1",
    "read_order_v1",
    "read_redemption_v1",
    "gather_v1",
    "record_rare_v1",
    "record_s_v1",
    "record_b_v1",
    "lock_v1",
    "enter_v1",
)

_BY_PROGRAM = (
    "program_part",
    "program_revision",
    "api_client",
    "api_key",
    "member",
    "balance",
    "member_identity",
    "member_profile",
    "member_note",
    "operation",
    "operation_detail",
    "idempotency",
    "reversal",
    "refusal",
    "order",
    "order_key",
    "order_parked",
    "order_claim",
    "posting",
    "lot",
    "lot_use",
    "counter",
)


def upgrade() -> None:
    """Create tables, types, functions and rights."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in _STATEMENTS:
        _execute_each(name)
    for name in _FUNCTIONS:
        op.execute(_read(name))
    _execute_each("rights_v1")
    for table in _BY_PROGRAM:
        op.execute(f'ALTER TABLE loyalty."{table}" ENABLE ROW LEVEL SECURITY')
        op.execute(
            f'CREATE POLICY own_program ON loyalty."{table}" '
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
