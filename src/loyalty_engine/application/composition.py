"""Services: what the API needs, built once by the bootstrap and handed to every route."""

from collections.abc import Callable
from dataclasses import dataclass

from loyalty_engine.application.authenticate import Authenticator
from loyalty_engine.application.clocks import Clock, Clocks
from loyalty_engine.application.executor import Executor
from loyalty_engine.application.guesses import Guesses
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.meters import Meters
from loyalty_engine.persistence.ledger import Ledger
from loyalty_engine.persistence.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Services:
    """The composition of one process.

    ``checks`` opens the sessions of what looks at every member, one at a time: checks of the ledger may take minutes,
    previews of ladders half a minute, and other reads never wait for them. ``clock`` tells real time, by which keys
    expire; ``clocks`` that of each program, by which all else does. ``total_meters`` sums what all processes of the
    service counted.
    """

    ledger: Ledger
    sessions: Sessions
    checks: Sessions
    rulesets: Rulesets
    authenticator: Authenticator
    executor: Executor
    clock: Clock
    clocks: Clocks
    total_meters: Callable[[], Meters]
    guesses: Guesses
