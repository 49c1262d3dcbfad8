"""Members: enrolling them and changing what we know of them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import cast

from loyalty_engine.core.engine.accounts import guard, new_member, require_member
from loyalty_engine.core.engine.answers import show_facts, show_member, show_status
from loyalty_engine.core.engine.attributes import check_attributes
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.requests import ChangeMember, EnrolMember, Profile, SetStatus
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.rules.order import Scalar


def decide_enrolment(ruleset: Ruleset, facts: Facts, request: EnrolMember, now: datetime) -> Decision:
    """Enrol a new member; each identity belongs to one member at most."""
    enrolled_at = request.enrolled_at or now
    if enrolled_at > now:
        refuse(
            RefusalCode.ENROLLED_IN_FUTURE, "/enrolled_at", enrolled_at=show_instant(enrolled_at), now=show_instant(now)
        )
    check_attributes(ruleset.member_attributes, request.profile.attributes, "/attributes")
    for position, identity in enumerate(request.identities):
        if identity in facts.owners:
            refuse(RefusalCode.IDENTITY_TAKEN, f"/identities/{position}")
    member = replace(new_member(request.call.operation_id, now), profile=request.profile, enrolled_at=enrolled_at)
    after = replace(member, version=1)
    operation = Operation.asked(
        "enrolment", request.call, now, ruleset.revision, effective_at=enrolled_at, member_id=member.id
    )
    return Accepted(
        Changes(
            operation=operation,
            answer=show_member(operation, after),
            facts=show_facts(None),
            member=guard(member, after),
            identities_added=request.identities,
            profile=request.profile,
        )
    )


def decide_change(ruleset: Ruleset, facts: Facts, request: ChangeMember, now: datetime) -> Decision:
    """Change a member's profile and identities; what the request does not name stays as it is."""
    member = require_member(facts, "")
    for position, identity in enumerate(request.add_identities):
        if facts.owners.get(identity, member.id) != member.id:
            refuse(RefusalCode.IDENTITY_TAKEN, f"/add_identities/{position}")
    for position, identity in enumerate(request.remove_identities):
        if facts.owners.get(identity) != member.id:
            refuse(RefusalCode.IDENTITY_NOT_FOUND, f"/remove_identities/{position}")
    profile = _changed_profile(ruleset, member.profile or Profile(), request.changes)
    after = replace(member, version=member.version + 1, booked_at=now, profile=profile)
    operation = Operation.asked("member_change", request.call, now, ruleset.revision, member_id=member.id)
    return Accepted(
        Changes(
            operation=operation,
            answer=show_member(operation, after),
            facts=show_facts(member),
            member=guard(member, after),
            identities_added=tuple(i for i in request.add_identities if i not in facts.owners),
            identities_removed=request.remove_identities,
            profile=profile,
        )
    )


def decide_status(ruleset: Ruleset, facts: Facts, request: SetStatus, now: datetime) -> Decision:
    """Block a member, or unblock it; neither twice. A blocked member neither earns nor spends; what it has stays."""
    member = facts.member
    if member is None:
        refuse(RefusalCode.MEMBER_NOT_FOUND, "")
    if member.status == request.status:
        is_blocked = member.status == "blocked"
        refuse(RefusalCode.MEMBER_ALREADY_BLOCKED if is_blocked else RefusalCode.MEMBER_NOT_BLOCKED, "")
    after = replace(member, version=member.version + 1, booked_at=now, status=request.status)
    operation = Operation.asked(
        "block" if request.status == "blocked" else "unblock", request.call, now, ruleset.revision, member_id=member.id
    )
    return Accepted(
        Changes(
            operation=operation,
            answer=show_status(operation, after, request.reason),
            facts=show_facts(member),
            member=guard(member, after),
        )
    )


def _changed_profile(ruleset: Ruleset, profile: Profile, changes: Mapping[str, object]) -> Profile:
    if "name" in changes:
        profile = replace(profile, name=cast("str | None", changes["name"]))
    if "birthday" in changes:
        profile = replace(profile, birthday=cast("date | None", changes["birthday"]))
    if "attributes" in changes:
        profile = replace(profile, attributes=_merge_attributes(ruleset, profile, changes["attributes"]))
    return profile


def _merge_attributes(ruleset: Ruleset, profile: Profile, changes: object) -> dict[str, Scalar]:
    wanted = cast("Mapping[str, Scalar | None]", changes)
    check_attributes(ruleset.member_attributes, wanted, "/attributes")
    merged = {**profile.attributes, **wanted}
    return {name: value for name, value in merged.items() if value is not None}
