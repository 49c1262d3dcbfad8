"""What comes along with a new friend's first checkout."""

from dataclasses import dataclass

from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.referrals.guards import Fingerprint


@dataclass(frozen=True, slots=True)
class Bringing:
    """An advocate's code that a new friend brings along to its first checkout, and what the shop knows it again by.

    ``is_trusted``: the caller may know anyway whose code it is, so it guesses none.
    """

    code: FoldedCode
    programme: str | None = None
    fingerprints: tuple[Fingerprint, ...] = ()
    is_trusted: bool = False
