"""Services: what the API needs, built once by the bootstrap and handed to every route."""

from collections.abc import Callable
from dataclasses import dataclass

from loyalty_engine.application.authenticate import Authenticator
from loyalty_engine.application.executor import Clock, Executor
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.meters import Meters
from loyalty_engine.persistence.ledger import Ledger
from loyalty_engine.persistence.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Services:
    """The composition of one process.

    ``checks`` opens the sessions of ledger checks, one at a time: they may take minutes, and other reads never wait for
    them. ``total_meters`` sums what all processes of the service counted.
    """

    ledger: Ledger
    sessions: Sessions
    checks: Sessions
    rulesets: Rulesets
    authenticator: Authenticator
    executor: Executor
    clock: Clock
    total_meters: Callable[[], Meters]
