"""How the naive program and the engine's answers are told in the same words."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.model.purchases import Back, Line
from tests.model.purse import Lot, Purse

Json = dict[str, Any]


def show_line(line: Line) -> Json:
    return {"id": line.id, "amount": line.amount, "quantity": line.quantity, "category": line.category}


def show_goods(goods: Back) -> Json:
    return {"lines": show_pieces(goods.pieces), "amount": goods.amount, "shipping": goods.shipping}


def show_pieces(pieces: Mapping[str, int]) -> list[Json]:
    return [{"id": line, **({} if n < 0 else {"quantity": n})} for line, n in pieces.items()]


def read_balances(rows: list[Json]) -> dict[str, tuple[int, int, int, int]]:
    """Return the rows that are not empty."""
    found = {row["wallet"]: (row["available"], row["pending"], row["held"], row["debt"]) for row in rows}
    return {wallet: row for wallet, row in found.items() if any(row)}


def read_lot(row: Json) -> tuple[str, str, str, str, int]:
    return (row["wallet"], row["earned_at"], row["available_at"] or "", row["expires_at"] or "", row["remaining"])


def lots_of(purse: Purse, now: datetime) -> Iterator[tuple[str, datetime, datetime | None, datetime | None, int]]:
    """Yield the lots that hold something, with when they expire unless they slide on."""
    for lot in purse.lots:
        if lot.left:
            yield show_row(purse, lot, now)


def show_row(purse: Purse, lot: Lot, now: datetime) -> tuple[str, datetime, datetime | None, datetime | None, int]:
    dies = lot.dies or (None if lot.waits or (lot.ready and lot.ready > now) else purse.slides.get(lot.wallet))
    return lot.wallet, lot.earned, lot.ready, dies, lot.left


def show_lot(row: tuple[str, datetime, datetime | None, datetime | None, int]) -> tuple[str, str, str, str, int]:
    wallet, earned, ready, dies, left = row
    return wallet, show_instant(earned), show_instant(ready), show_instant(dies), left


def show_codes(codes: Sequence[str], *, is_strict: bool) -> Json:
    return {"codes": list(codes), "unusable_codes": "refuse" if is_strict else "skip"} if codes else {}


def read_place(row: Json) -> tuple[str | None, datetime | None, datetime | None, int]:
    return row["tier"], read_instant(row["since"]), read_instant(row["until"]), row["progress"]["actual"]


def read_stay(row: Json) -> tuple[str, str, *tuple[datetime | None, ...]]:
    times = (read_instant(row[field]) for field in ("since", "paid_until", "ends_at", "cancelled_at"))
    return row["plan"], row["state"], *times


def read_plan(row: Json) -> tuple[Any, ...]:
    """Return what a member has of a plan, its payments, what would be given back, and whether it gives something."""
    payments = [
        (one["payment"], one["amount"], *(read_instant(one[field]) for field in ("paid_at", "since", "until")))
        for one in row["payments"]
    ]
    return read_stay(row), payments, read_refund(row["refund"]), bool(row["entitlements"])


def read_refund(found: Json) -> dict[str, int]:
    back = {one["payment"]: one["amount"] for one in found["payments"]}
    assert found["amount"] == sum(back.values())
    return back


def read_instant(shown: str | None) -> datetime | None:
    return None if shown is None else datetime.fromisoformat(shown)


def show_instant(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def compare_answer(answer: Json, expected: Json) -> None:
    """Compare what the naive program foretells with the answer."""
    for back, foretold in zip(answer.get("returns", []), expected.pop("returns", []), strict=True):
        compare_answer(back, foretold)
    for field, value in expected.items():
        assert read_field(answer, field) == value, (field, read_field(answer, field), value, answer)


def read_field(answer: Json, field: str) -> object:
    """Return a member of an answer in the form in which the naive program has it."""
    found: Any = answer.get(field)
    match field:
        case "balances" | "recipient_balances":
            return read_balances(answer[field])
        case "effects":
            return {effect["rule"]: effect["points"] for effect in answer[field]}
        case "taken":
            return [(row["wallet"], row["points"], row["owed"], row["forgiven"]) for row in answer[field]]
        case "activated":
            return {row["wallet"]: row["points"] for row in answer[field]}
        case "codes":
            return {row["code"]: row["used"] for row in answer[field]}
        case "tiers":
            return {
                row["set"]: (row["from"], row["tier"], *map(read_instant, (row["since"], row["until"])))
                for row in found
            }
        case "membership" | "replaced":
            return None if found is None else read_stay(found)
        case "refund" if isinstance(found, dict):
            return read_refund(found)
        case "gifts":
            return len(answer[field])
        case "restored":
            return found["points"] if isinstance(found, dict) else 0
        case _:
            return found
