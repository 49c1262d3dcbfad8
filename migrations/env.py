"""Runs the migrations: one at a time, as the owner role, over the driver that the service itself uses."""

import asyncio
import os
from logging.config import fileConfig

import asyncpg
from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from loyalty_engine.persistence.tables import SCHEMA, metadata

_LOCK = 7_305_437_124_811
"""Key of the advisory lock that lets only one process migrate a database."""

_PREPARE = f"""
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['loyalty_owner', 'loyalty_app'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
            IF NOT pg_has_role(current_user, wanted, 'member') THEN
                EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database of this cluster was migrated at the same moment
        END;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '{SCHEMA}') THEN
        CREATE SCHEMA {SCHEMA} AUTHORIZATION loyalty_owner;
    END IF;
END $$
"""  # noqa: S608 - the name is a constant of ours


def _run(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
    connection.execute(text(_PREPARE))
    connection.execute(text("SET ROLE loyalty_owner"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run_online(url: str) -> None:
    # The driver reads the address itself, as it does for the service: SQLAlchemy refuses parts of some (sslmode).
    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: asyncpg.connect(url)
    )
    async with engine.connect() as connection:
        await connection.run_sync(_run)
    await engine.dispose()


def _run_offline() -> None:
    """Print the SQL, for reviewers and linters."""
    context.configure(
        dialect_name="postgresql", literal_binds=True, target_metadata=metadata, version_table_schema=SCHEMA
    )
    with context.begin_transaction():
        context.run_migrations()


if context.config.config_file_name is not None and context.config.get_section("loggers"):
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)

if context.is_offline_mode():
    _run_offline()
else:
    database_url = context.config.attributes.get("url") or os.environ["LOYALTY_DATABASE_URL"]
    asyncio.run(_run_online(str(database_url)))
