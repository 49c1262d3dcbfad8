"""Exports: everything of one kind, page after page in the order of its key, so that any amount costs the same memory.

Each page is a snapshot of its own: what is written meanwhile may come with a later page, and no row comes twice or is
left out that was there before and stayed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from loyalty_engine.persistence.connections import Connection

Kind = Literal["members", "balances", "postings", "operations"]
KINDS: Final[tuple[Kind, ...]] = ("members", "balances", "postings", "operations")

Key = tuple[Any, ...]
"""Where a page begins: behind the row of that key."""

_ZERO: Final = "00000000-0000-0000-0000-000000000000"

FIRST: Final[Mapping[Kind, Key]] = {
    "members": (_ZERO,),
    "balances": (_ZERO, ""),
    "postings": (_ZERO, 0),
    "operations": (_ZERO,),
}
"""Before everything."""

_KEYS: Final[Mapping[Kind, Sequence[str]]] = {
    "members": ("id",),
    "balances": ("member_id", "wallet"),
    "postings": ("member_id", "seq"),
    "operations": ("id",),
}

_PAGES: Final[Mapping[Kind, str]] = {
    "members": """
        SELECT m.id, m.status, m.merged_into, m.enrolled_at, m.booked_at, m.orders, m.spend, m.first_order_at,
               m.last_order_at, f.name, f.birthday, f.attributes,
               ARRAY(SELECT i.identity FROM loyalty.member_identity i
                      WHERE i.program_id = m.program_id AND i.member_id = m.id ORDER BY i.identity) AS identities
          FROM loyalty.member m
          LEFT JOIN loyalty.member_profile f ON f.program_id = m.program_id AND f.member_id = m.id
         WHERE m.program_id = $1 AND m.id > $3::uuid ORDER BY m.id LIMIT $2""",
    "balances": """
        SELECT b.member_id, b.wallet, b.available, b.pending, b.held, b.debt, b.expires_at
          FROM loyalty.balance b
         WHERE b.program_id = $1 AND (b.member_id, b.wallet) > ($3::uuid, $4::text)
         ORDER BY b.member_id, b.wallet LIMIT $2""",
    "postings": """
        SELECT p.id, p.operation_id, p.member_id, p.seq, p.wallet, p.source, p.destination, p.amount, p.lot_id,
               p.available, p.pending, p.held, p.debt
          FROM loyalty.posting p
         WHERE p.program_id = $1 AND (p.member_id, p.seq) > ($3::uuid, $4::bigint)
         ORDER BY p.member_id, p.seq LIMIT $2""",
    "operations": """
        SELECT o.id, o.kind, o.member_id, o.other_member_id, o.order_id, o.client_id, o.location, o.till, o.effective_at,
               o.booked_at, o.revision, o.reverses
          FROM loyalty.operation o
         WHERE o.program_id = $1 AND o.id > $3::uuid ORDER BY o.id LIMIT $2""",
}


async def list_page(
    connection: Connection, program_id: int, kind: Kind, *, after: Key, limit: int
) -> tuple[list[Mapping[str, Any]], Key]:
    """Return the rows behind ``after``, and the key of the last of them."""
    rows = await connection.fetch(_PAGES[kind], program_id, limit, *after)
    key = tuple(rows[-1][name] for name in _KEYS[kind]) if rows else after
    return [dict(row) for row in rows], key
