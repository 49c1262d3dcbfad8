"""Check readiness: whether this process may be sent requests."""

from loyalty_engine.persistence.errors import UnavailableError
from loyalty_engine.persistence.ledger import Ledger
from loyalty_engine.persistence.migrating import expected_revision, read_revision
from loyalty_engine.persistence.sessions import Sessions

_NO_PROGRAM = 0


async def find_obstacle(ledger: Ledger, sessions: Sessions) -> str | None:
    """Return what keeps this process from serving, None when nothing does.

    Asks the database for real, because a connection may be dead without knowing it. A schema newer than ours is fine:
    migrations keep the release before them working, so that replicas can be replaced one by one.
    """
    if not ledger.is_connected:
        return "the ledger is not connected"
    try:
        async with sessions.open(_NO_PROGRAM) as connection:
            revision = await read_revision(connection)
    except UnavailableError:
        return "the database does not answer"
    return "the schema is older than this release" if revision < expected_revision() else None
