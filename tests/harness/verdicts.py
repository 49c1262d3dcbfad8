"""The verdict over a history: what callers were told, what their keys tell, and what the rows say is one and the same."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import httpx

from loyalty_engine.core.kernel.ids import show_id
from tests.harness.api import Api
from tests.harness.crowds import in_crowd, insist
from tests.harness.histories import Answer, Entry, History
from tests.harness.ledger import Ledger
from tests.harness.membership_verdicts import compare_memberships

Json = dict[str, Any]

_KEYS: Final = "SELECT key, outcome_id, is_refusal FROM idempotency WHERE program_id = $1"
_OPERATIONS: Final = """
SELECT id FROM operation o
 WHERE program_id = $1 AND kind NOT IN ('time_passed', 'plan_lapse', 'tier_review', 'referral_reward', 'referral_reversal')
   AND (kind <> 'referral' OR EXISTS (SELECT FROM idempotency i WHERE i.program_id = $1 AND i.outcome_id = o.id))
   AND NOT EXISTS (SELECT FROM reservation_end e WHERE e.program_id = $1 AND e.operation_id = o.id AND e.how = 'replaced')
"""
"""What was asked for: of what time did, of what an order did for a friend, and of what became of a cart that was reserved
anew, nobody is told by itself.
"""


async def judge(history: History, ledger: Ledger) -> list[str]:
    """Ask again for every request of a history that is over, and name each contradiction.

    Those whose outcome nobody knew are looked up by their key first; from then on their outcome is known, too.
    """
    api = history.api
    faults = [f"{entry.path}: two outcomes" for entry in history.entries if entry.contradicts_itself]
    for found in await in_crowd([partial(_find_half_booked, api, bundle) for bundle in history.bundles]):
        faults += found
    for found in await in_crowd([partial(_resolve, api, entry) for entry in history.entries]):
        faults += found
    operations = {row["id"] for row in await ledger.connection.fetch(_OPERATIONS, ledger.program_id)}
    accepted = [entry for entry in history.entries if entry.outcome is not None and entry.outcome.is_accepted]
    faults += _compare_operations({show_id("op", each) for each in operations}, accepted)
    faults += await _compare_keys(history, ledger)
    faults += await _compare_balances(api, accepted)
    faults += await _compare_reservations(api, accepted)
    faults += await compare_memberships(api, accepted)
    return faults


async def _find_half_booked(api: Api, bundle: list[Entry]) -> list[str]:
    """Orders that share one fate are all known or all unknown, as long as none of them was sent alone."""
    if any(len(entry.answers) > 1 for entry in bundle):
        return []
    known = {await _look_up(api, entry.key) is not None for entry in bundle}
    return ["/orders/batch: some of it was booked, some not"] if len(known) > 1 else []


async def _resolve(api: Api, entry: Entry) -> list[str]:
    """Ask again under the same key; what the key told before must agree with it."""
    was_known = entry.outcome is not None
    told = None if was_known else await _look_up(api, entry.key)
    response = await insist(api.post, entry.path, entry.body, key=entry.key)
    answer = Answer(response.status_code, response.content, "idempotent-replayed" in response.headers)
    entry.answers.append(answer)
    if was_known:
        return [*_unlike(entry, answer)]
    if told is not None and not answer.is_replayed:
        return [f"{entry.path}: its key knew {told}, and it was decided anew"]
    if told is None and answer.is_replayed and not _has_number(entry):
        return [f"{entry.path}: its key knew nothing, and it was decided before"]
    return [] if told in {None, _name(answer)} else [f"{entry.path}: its key knew {told}, and it is {_name(answer)}"]


def _unlike(entry: Entry, answer: Answer) -> Iterator[str]:
    if entry.contradicts_itself:
        yield f"{entry.path}: {entry.outcome} became {answer}"
    elif not answer.is_replayed:
        yield f"{entry.path}: {answer.status} was decided anew"


async def _look_up(api: Api, key: str) -> str | None:
    """Return what became of a key: the operation's id, the refusal's code, or nothing."""
    response = await insist(api.get, f"/operations?idempotency_key={key}")
    assert response.status_code == httpx.codes.OK, response.text
    items = response.json()["items"]
    assert len(items) <= 1, items
    if not items:
        return None
    return str(items[0]["operation"]["id"] if items[0]["state"] == "accepted" else items[0]["refusal"]["code"])


def _name(answer: Answer) -> str:
    body = json.loads(answer.content)
    return str(body["operation_id"] if answer.is_accepted else body["code"])


def _compare_operations(stored: set[str], accepted: list[Entry]) -> Iterator[str]:
    """Each accepted request is one operation, and there is no other; several keys share one for the same order only."""
    told = {_operation_of(entry): entry for entry in accepted}
    yield from (f"{told[each].path}: {each} was acknowledged and is not there" for each in sorted({*told} - stored))
    yield from (f"{each} is there and nobody was told" for each in sorted(stored - {*told}))
    others = [_operation_of(entry) for entry in accepted if not _has_number(entry)]
    yield from (f"{each} is the outcome of {count} keys" for each, count in Counter(others).items() if count > 1)


async def _compare_keys(history: History, ledger: Ledger) -> list[str]:
    rows = {row["key"]: row for row in await ledger.connection.fetch(_KEYS, ledger.program_id)}
    faults = [f"{key}: nobody sent it" for key in rows.keys() - {entry.key for entry in history.entries}]
    for entry in history.entries:
        row, outcome = rows.get(entry.key), entry.outcome
        assert outcome is not None
        if row is None:
            faults.append(f"{entry.path}: its key is not kept")
        elif row["is_refusal"] == outcome.is_accepted:
            faults.append(f"{entry.path}: its key is kept for another outcome")
        elif outcome.is_accepted and _operation_of(entry) != show_id("op", UUID(str(row["outcome_id"]))):
            faults.append(f"{entry.path}: its key leads to another operation")
    return faults


async def _compare_balances(api: Api, accepted: list[Entry]) -> list[str]:
    """What callers were told that moved, once for each operation, is what every member has."""
    moved: Counter[tuple[str, str]] = Counter()
    for entry in {_operation_of(entry): entry for entry in accepted}.values():
        for member, wallet, points in _movements(entry):
            moved[member, wallet] += points
    for referral in await _list_referrals(api):
        for given in referral["rewards"]:
            moved[referral[f"{given['side']}_id"], given["wallet"]] += given["points"]
    members = [json.loads(e.outcome.content)["id"] for e in accepted if e.path == "/members" and e.outcome is not None]
    shown: Counter[tuple[str, str]] = Counter()
    for member in members:
        for row in (
            (await insist(api.get, f"/members/{member}/balances")).json().get("balances", [])
        ):  # a lost one has none
            shown[member, row["wallet"]] += row["available"] + row["pending"] + row["held"] - row["debt"]
    return [
        f"{member}/{wallet}: told {moved[member, wallet]}, has {shown[member, wallet]}"
        for member, wallet in sorted(moved.keys() | shown.keys())
        if moved[member, wallet] != shown[member, wallet]
    ]


async def _list_referrals(api: Api) -> list[Json]:
    """Return all friends and what they and those who brought them got."""
    found: list[Json] = []
    page: Json = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        more = f"&cursor={page['next_cursor']}" if page["next_cursor"] else ""
        page = (await insist(api.get, f"/referrals?limit=200{more}")).json()
        found += page["items"]
    return found


async def _compare_reservations(api: Api, accepted: list[Entry]) -> list[str]:
    """Each reservation ended as somebody was told, once; what nobody ended is open, or free."""
    told: dict[str, set[str]] = {}
    for entry in accepted:
        match entry.path.split("/"):
            case [_, "reservations"]:
                told.setdefault(_read(entry)["id"], set())
                if "replaces" in entry.body:
                    told.setdefault(entry.body["replaces"], set()).add("replaced")
            case [_, "reservations", reservation, "confirm"]:
                told.setdefault(reservation, set()).add(f"confirmed {_read(entry)['id']}")
            case [_, "reservations", reservation, "release"]:
                told.setdefault(reservation, set()).add("released")
            case _:
                pass
    faults = []
    for reservation, ends in told.items():
        answer = await insist(api.get, f"/reservations/{reservation}")
        if answer.status_code != HTTPStatus.OK:
            faults.append(f"{reservation}: was told of, and is not there")
            continue
        found = answer.json()
        state = f"confirmed {found['order_id']}" if found["state"] == "confirmed" else found["state"]
        if {state} != ends and not (state in {"open", "expired"} and not ends):
            faults.append(f"{reservation}: told {sorted(ends)}, is {state}")
    return faults


def _movements(entry: Entry) -> Iterator[tuple[str, str, int]]:
    """Tell what an answer says that it moved: member, wallet, points."""
    answer = _read(entry)
    if entry.path == "/reservations":
        return
    member = answer.get("member_id") or ""
    for effect in answer.get("effects", []) if member else []:
        yield member, effect["wallet"], effect["points"]
    for key, sign in (("paid_with_points", -1), ("restored", 1)):
        if member and answer.get(key):
            yield member, answer[key]["wallet"], sign * answer[key]["points"]
    for less in answer.get("taken", []) if member else []:
        yield member, less["wallet"], less["forgiven"] - less["points"]
    match entry.path.split("/"):
        case [_, "transfers"]:
            yield member, answer["wallet"], -answer["points"]
            yield answer["recipient_id"], answer["wallet"], answer["points"]
        case [_, "adjustments"]:
            yield member, answer["wallet"], answer["points"]
        case [_, "redemptions"] if "hold" not in entry.body:
            yield member, answer["wallet"], -answer["points"]
        case [_, "redemptions", _, "cancel"]:
            yield member, answer["wallet"], answer["points_restored"]
        case [_, "redemptions", _, "capture"]:
            yield member, answer["wallet"], -answer["captured"]
        case _:
            pass


def _has_number(entry: Entry) -> bool:
    """Tell whether a request is about an order, or a payment, by its own number, which is accepted once under any key."""
    return entry.path == "/orders" or entry.path.endswith(("/confirm", "/payments"))


def _operation_of(entry: Entry) -> str:
    return str(_read(entry)["operation_id"])


def _read(entry: Entry) -> Json:
    """Return the answer to a request that was accepted."""
    assert entry.outcome is not None
    answer: Json = json.loads(entry.outcome.content)
    return answer
