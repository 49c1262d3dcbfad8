"""A database that has grown: half a year of a program, large enough that a scan or a wrong index shows."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import asyncpg

from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.persistence.partitions import make_partitions
from tests.harness.postgres import open_database, run_apart

MEMBERS: Final = 4_000
ORDERS: Final = 24_000
LOYAL_ORDERS: Final = 3_000
"""What the first member bought: every eighth order."""
HOLDER: Final = 12
"""A member with open holds."""
CODES: Final = 100_000
"""Promo codes, of which every third is a voucher."""
FRIEND: Final = 500
"""The first of the members whom somebody brought."""
MERGED: Final = 1_000
"""The first of a thousand members for whom the second member stands."""
MERGED_ORDER: Final = 9_002
"""An order of one of those, whose points the merge moved."""

_ROWS: Final = f"""
CREATE FUNCTION pg_temp.member(n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT lpad(to_hex(CASE WHEN n % 8 = 0 THEN 1 ELSE 1 + n % {MEMBERS} END), 32, '0')::uuid $$;
CREATE FUNCTION pg_temp.moment(n bigint) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$
    SELECT to_timestamp(1780272000 + n * 658) $$;
CREATE FUNCTION pg_temp.id(n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT (lpad(to_hex((1780272000 + n * 658) * 1000), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid $$;

INSERT INTO program (key) VALUES ('grown');
INSERT INTO api_client (program_id, name, scopes) SELECT 1, 'till ' || n, '{{}}' FROM generate_series(1, 2000) n;
INSERT INTO member SELECT 1, lpad(to_hex(n), 32, '0')::uuid, 1, 0, 'active', now(), 0, 0 FROM generate_series(1, {MEMBERS}) n;
INSERT INTO member_identity SELECT 1, 'card:' || n, lpad(to_hex(n), 32, '0')::uuid FROM generate_series(1, {MEMBERS}) n;
INSERT INTO member_profile SELECT 1, id, 'Ada', NULL, '{{}}' FROM member;
INSERT INTO balance SELECT 1, id, wallet, 0, 0, 0, 0 FROM member, unnest('{{points,cashback}}'::text[]) wallet;
INSERT INTO counter SELECT 1, 'counter-' || n, 9, 0 FROM generate_series(1, 3000) n;
INSERT INTO counter_lease SELECT 1, key, now() + interval '10 seconds' * n, 1 FROM counter, generate_series(-19, 3) n WHERE key < 'counter-2';
INSERT INTO code_pool SELECT 1, pool, CASE pool WHEN 'vouchers' THEN 'vouchers' ELSE 'generated' END, 'p', NULL, NULL, '{{}}', true, NULL, NULL, 0, NULL, now()
  FROM unnest('{{made,vouchers}}'::text[] || ARRAY(SELECT 'pool-' || n FROM generate_series(1, 500) n)) pool;
INSERT INTO promo_code (program_id, code, pool, turn)
SELECT 1, 'C0DE' || n, CASE n % 3 WHEN 0 THEN 'vouchers' ELSE 'made' END, CASE n % 3 WHEN 0 THEN n * 10000 END
  FROM generate_series(1, {CODES}) n;
INSERT INTO activity_mark SELECT 1, id, 'survey_answered', 'mark-' || n, id FROM member, generate_series(1, 3) n;

INSERT INTO operation (program_id, id, kind, member_id, order_id, client_id, effective_at, booked_at, revision)
SELECT 1, pg_temp.id(n), CASE WHEN n % 9 = 1 THEN 'redemption' ELSE 'order' END, pg_temp.member(n), pg_temp.id(n), 1,
       pg_temp.moment(n), pg_temp.moment(n), 1 FROM generate_series(1, {ORDERS}) n;
INSERT INTO operation_detail SELECT 1, id, '{{}}', '[]', '{{}}' FROM operation;
INSERT INTO refusal (program_id, id, code, client_id, booked_at, answer) SELECT 1, id, 'x', 1, booked_at, '{{}}' FROM operation;
INSERT INTO idempotency SELECT 1, 1, '', 'key-' || n, pg_temp.id(n), n % 2 = 0, '' FROM generate_series(1, {ORDERS}) n;
INSERT INTO "order" SELECT 1, id, CASE WHEN client_id = 1 AND kind = 'order' THEN member_id END, effective_at, 'EUR', 100, 0,
       0, NULL, NULL, '[]', '{{"reference": {{"order_id": "1"}}}}' FROM operation;
INSERT INTO order_key SELECT 1, 'order||' || n, pg_temp.id(n), '\\x01' FROM generate_series(1, {ORDERS}) n;
INSERT INTO order_claim SELECT 1, id, member_id, id FROM operation WHERE kind = 'redemption';
INSERT INTO order_parked SELECT 1, id, 'card:' || n FROM (SELECT id, row_number() OVER () AS n FROM operation) x;
INSERT INTO reversal SELECT 1, id, id FROM operation;
INSERT INTO lot SELECT 1, id, member_id, 'points', 9, 9, booked_at, booked_at, NULL, 'program', 0, id FROM operation;
INSERT INTO lot_use SELECT 1, id, id, 1 FROM operation;
INSERT INTO hold SELECT 1, id, member_id, 'points', 9, booked_at, CASE WHEN member_id <> lpad(to_hex({HOLDER}), 32, '0')::uuid THEN id END, 9
  FROM operation;
INSERT INTO reservation SELECT 1, id, member_id, booked_at, '{{"revision": 1, "order": {{"placed_at": "2026-06-01T00:00:00Z",
       "currency": "EUR", "shipping": 0, "channel": null, "location": null, "lines": [], "rest": {{"reference": {{"order_id": ""}}}}}}}}'
  FROM operation;
INSERT INTO reservation_end SELECT 1, id, id, 'confirmed' FROM operation;
INSERT INTO order_change SELECT 1, id, n, id, 9, false, '[]', '{{}}' FROM operation, generate_series(1, 3) n;
INSERT INTO return_waiting SELECT 1, 'waited||' || n, pg_temp.id(n + {ORDERS}), '{{}}', pg_temp.moment(n), '2030-01-01', NULL
  FROM generate_series(1, {ORDERS}) n;
INSERT INTO order_key SELECT 1, natural_key, operation_id, '' FROM return_waiting;
INSERT INTO posting SELECT 1, member_id, row_number() OVER (PARTITION BY member_id ORDER BY id), id, id, 'points', 'issued',
       'available', 9, id, 9, 0, 0, 0 FROM operation;
INSERT INTO operation (program_id, id, kind, member_id, other_member_id, client_id, effective_at, booked_at, revision)
SELECT 1, pg_temp.id({ORDERS} + 1), 'merge', pg_temp.member(1), pg_temp.member({MERGED_ORDER}), 1, now(), now(), 1;
INSERT INTO lot SELECT 1, id, member_id, 'points', 9, 0, booked_at, booked_at, NULL, 'program', 0, id FROM operation WHERE kind = 'merge';
INSERT INTO posting SELECT 1, other_member_id, 1000, id, id, 'points', 'available', 'transit', 9, pg_temp.id({MERGED_ORDER}), 0, 0, 0, 0
  FROM operation WHERE kind = 'merge';
INSERT INTO posting SELECT 1, member_id, 1000, id, id, 'points', 'transit', 'available', 9, id, 9, 0, 0, 0
  FROM operation WHERE kind = 'merge';
INSERT INTO referral SELECT 1, lpad(to_hex(n), 32, '0')::uuid, 'friends', lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(3 + n % 50), 32, '0')::uuid,
       now(), NULL, 'registered', '[]', NULL, '[]', NULL, '[]', '{{}}', CASE n % 4 WHEN 0 THEN now() END, now()
  FROM generate_series({FRIEND}, {MEMBERS}) n;
INSERT INTO member_fingerprint SELECT 1, kind, CASE kind WHEN 'device' THEN 'd' || n ELSE 'a' || n / 20 END, lpad(to_hex(n), 32, '0')::uuid,
       lpad(to_hex(n), 32, '0')::uuid, now() FROM generate_series(1, {MEMBERS}) n, unnest('{{device,address}}'::text[]) kind;
UPDATE balance SET held = 9 WHERE member_id = lpad(to_hex({HOLDER}), 32, '0')::uuid;
UPDATE member SET due_at = now() WHERE id > lpad(to_hex({MEMBERS} - 1000), 32, '0')::uuid;
UPDATE member SET merged_into = lpad(to_hex(2), 32, '0')::uuid
 WHERE id BETWEEN lpad(to_hex({MERGED}), 32, '0')::uuid AND lpad(to_hex({MERGED} + 1000), 32, '0')::uuid;
ANALYZE
"""


def order_id(number: int) -> UUID:
    """Return the id of an order; its number counts up through the half year."""
    return UUID(f"{(1780272000 + number * 658) * 1000:012x}70008000{number:012x}")


@contextmanager
def open_grown(server_url: str) -> Iterator[str]:
    """Give the URL of such a database, with a partition for each of its months."""
    with open_database(server_url) as url:
        run_apart(_grow(url))
        yield url


async def _grow(url: str) -> None:
    for day in ("2026-06-01T00:00:00Z", "2026-10-01T00:00:00Z"):
        await make_partitions(url, parse_instant(day))
    connection = await asyncpg.connect(url, server_settings={"search_path": "loyalty"})
    try:
        await asyncio.wait_for(connection.execute(_ROWS), 120)
    finally:
        await connection.close()
