"""What is remembered of the rules that had something to give for an order, so that it can be judged again when goods
come back: as if the order had been what the customer kept, and everything else had been as it was.
"""

from typing import NamedTuple


class RuleMemory(NamedTuple):
    """One rule that gave ``amount``, or would have given it if another had not outdone it.

    ``held`` tells, for each part of its condition that asks about the member rather than the order, whether it held
    (``1``) or not (``0``); empty when all of them must have. It holds no personal data.
    """

    rule: str
    amount: int
    outdone: bool = False
    held: str = ""
