"""Referrals as JSON: what gather shows of them, and what record keeps."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.points.lots import Lot
from loyalty_engine.core.referrals.codes import tail_of
from loyalty_engine.core.referrals.guards import NO_TIES, Ties
from loyalty_engine.core.referrals.state import Given, Proof, Reason, Referral
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.subjects import read_lot, read_moment, read_uuid

Json = dict[str, Any]
Raw = Mapping[str, Any]

_LIST_DUE: Final = "SELECT id, due_at FROM loyalty.list_due_referrals_v7($1, $2, $3, $4, $5)"

_TAIL_BITS: Final = 48
_TAIL_END: Final = (1 << _TAIL_BITS) - 1


@dataclass(frozen=True, slots=True)
class Brought:
    """What gather read of who brought a member. ``lots`` are those that it gave, to both sides, and what carries them on."""

    referrals: tuple[Referral, ...] = ()
    ties: Ties = NO_TIES
    lots: tuple[Lot, ...] = ()

    def choose(self, referral_id: UUID | None, proofs: Collection[UUID]) -> Referral | None:
        """Return the referral of that id, else the one that one of these proofs speaks for, else the first."""
        for referral in self.referrals:
            if referral.id == referral_id or any(proof.id in proofs for proof in referral.proofs):
                return referral
        return self.referrals[0] if self.referrals and referral_id is None else None

    def lots_of(self, member_id: UUID) -> Iterator[Lot]:
        """Yield the lots that one side was given, whoever has them now, before those of that member that carry them on."""
        sides = [
            (referral, {"friend": referral.friend_id, "advocate": referral.advocate_id}) for referral in self.referrals
        ]
        own = {
            given.lot_id for referral, members in sides for given in referral.given if members[given.side] == member_id
        }
        for lot in self.lots:
            if lot.id in own if lot.carries_on is None else lot.member_id == member_id:
                yield lot


@dataclass(frozen=True, slots=True)
class DueReferral:
    """A referral that is to be rewarded since then. In the order in which they settled."""

    due_at: datetime
    referral_id: UUID


NOBODY: Final = Brought()
"""What is known where nobody asked."""


def show_tail(code: FoldedCode) -> str | None:
    """Return how the id ends of the member whose code it is; None: no member has such a code."""
    tail = tail_of(code)
    return None if tail is None else f"{tail >> _TAIL_BITS:03x}-{tail & _TAIL_END:012x}"


def show_referral(referral: Referral, changed_at: datetime) -> Json:
    """Return all of a referral but its id and its programme."""
    return {
        "friend_id": referral.friend_id,
        "advocate_id": referral.advocate_id,
        "registered_at": referral.registered_at,
        "ends_at": referral.ends_at,
        "state": referral.state,
        "reasons": [list(reason) for reason in referral.reasons],
        "verdict": referral.verdict,
        "proofs": [[proof.id, proof.happened_at, proof.settles_at] for proof in referral.proofs],
        "counts_for": referral.counts_for,
        "given": [_show_given(given) for given in referral.given],
        "counters": list(referral.counters),
        "due_at": referral.settles_at,
        "changed_at": changed_at,
    }


def read_referral(raw: Raw) -> Referral:
    """Turn a row of ``referral`` as JSON into a referral."""
    return Referral(
        id=UUID(raw["id"]),
        programme=raw["programme"],
        friend_id=UUID(raw["friend_id"]),
        advocate_id=UUID(raw["advocate_id"]),
        registered_at=datetime.fromisoformat(raw["registered_at"]),
        ends_at=read_moment(raw["ends_at"]),
        state=raw["state"],
        reasons=tuple(Reason(*reason) for reason in raw["reasons"]),
        verdict=raw["verdict"],
        proofs=tuple(
            Proof(UUID(proof), datetime.fromisoformat(happened), datetime.fromisoformat(settles))
            for proof, happened, settles in raw["proofs"]
        ),
        counts_for=read_uuid(raw["counts_for"]),
        given=tuple(_read_given(given) for given in raw["given"]),
        counters=tuple(raw["counters"]),
    )


def read_brought(text: str | None) -> Brought:
    """Turn what ``read_referrals_v7`` returned into what is known of who brought a member."""
    if text is None:
        return NOBODY
    raw = orjson.loads(text)
    return Brought(
        tuple(read_referral(found) for found in raw["referrals"] or ()),
        _read_ties(raw["sharing"] or {}, raw["upline"] or ()),
        tuple(_read_lots(raw)),
    )


async def list_due_referrals(
    connection: Connection, program_id: int, now: datetime, *, after: DueReferral, limit: int
) -> list[DueReferral]:
    """Return the referrals that are to be rewarded by ``now`` and that come behind ``after``."""
    rows = await connection.fetch(_LIST_DUE, program_id, now, after.due_at, after.referral_id, limit)
    return [DueReferral(row["due_at"], row["id"]) for row in rows]


async def list_programs_with_due_referrals(connection: Connection, now: datetime) -> list[int]:
    """Return the programs in which a referral is to be rewarded, each by its own clock; ``now`` is real time."""
    rows = await connection.fetch("SELECT * FROM loyalty.programs_with_due_referrals_v7($1) due(id)", now)
    return [row["id"] for row in rows]


def _show_given(given: Given) -> Json:
    return {
        "side": given.side,
        "wallet": given.wallet,
        "points": given.points,
        "lot_id": given.lot_id,
        "code": given.code,
    }


def _read_given(raw: Raw) -> Given:
    code = raw["code"]
    return Given(
        raw["side"],
        raw["wallet"],
        raw["points"],
        read_uuid(raw["lot_id"]),
        None if code is None else FoldedCode(code),
    )


def _read_ties(sharing: Raw, upline: Sequence[str]) -> Ties:
    shared = {kind: frozenset(map(UUID, members)) for kind, members in sharing.items()}
    return Ties(shared, tuple(map(UUID, upline)))  # type: ignore[arg-type]  # a CHECK of the table says which kinds


def _read_lots(raw: Raw) -> Iterator[Lot]:
    for lot in (*(raw["lots"] or ()), *(raw["touched"] or ())):
        yield read_lot(lot)
