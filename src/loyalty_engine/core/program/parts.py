"""A program as a list of parts, each with the hash of its content, so that a revision stores and compiles only what
it changes: one of 2,000 earning rules is one new part.

The order of the list is the order of the document. A part's body is canonical JSON (sorted names, no spaces, defaults
left out), so that the same content always has the same hash. The key is hashed too: parts are stored by their hash, and
two kinds of parts may have equal bodies.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from pydantic import Field, TypeAdapter

from loyalty_engine.core.program.activities import ActivityKind
from loyalty_engine.core.program.attributes import Attributes
from loyalty_engine.core.program.document import Identity, Program, Version
from loyalty_engine.core.program.earning import EarningGroup, EarningRuleEntry
from loyalty_engine.core.program.fields import Entry
from loyalty_engine.core.program.plans import PlanEntry
from loyalty_engine.core.program.policies import Policies
from loyalty_engine.core.program.promotions import PromotionEntry, PromotionGroup
from loyalty_engine.core.program.referrals import ReferralEntry
from loyalty_engine.core.program.tiers import TierSet
from loyalty_engine.core.program.wallets import MoneyWallet, PointsWallet, Wallet

PartKey = str
"""``settings``, ``attributes``, or a kind and a key: ``wallet/<key>``, ``activity/<key>``, ``earning_group/<key>``,
``earning_rule/<key>``, ``promotion_group/<key>``, ``promotion/<key>``, ``tier_set/<key>``, ``plan/<key>``,
``referral/<key>``."""

SETTINGS: Final[PartKey] = "settings"
ATTRIBUTES: Final[PartKey] = "attributes"
WALLET: Final = "wallet/"
"""How the keys of wallet parts begin."""
PROMOTION: Final = "promotion/"
"""How the keys of promotion parts begin."""
TIER_SET: Final = "tier_set/"
"""How the keys of tier set parts begin."""
PLAN: Final = "plan/"
"""How the keys of plan parts begin."""


class Settings(Entry):
    """The part of a program that is not a list of entries with keys, nor the attributes."""

    version: Version = Field(description="Version of the document's form.", examples=[1])
    program: Identity = Field(description="Who the programme is.", examples=[{"name": "Corner Grocer"}])
    policies: Policies = Field(default=Policies(), description="Choices that hold for all rules.", examples=[{}])


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its key, its body as canonical JSON text, and the SHA-256 of both in hexadecimal."""

    key: PartKey
    body: str
    content_hash: str


_WALLET: Final[TypeAdapter[Wallet]] = TypeAdapter(Wallet)


def split(program: Program) -> tuple[Part, ...]:
    """Return the parts of ``program`` in document order. Its keys must be unique (``check_program`` says so)."""
    settings = Settings(version=program.version, program=program.program, policies=program.policies)
    return (
        _part(SETTINGS, settings),
        _part(ATTRIBUTES, program.attributes),
        *(_part(f"{WALLET}{wallet.key}", wallet) for wallet in program.wallets),
        *(_part(f"activity/{kind.key}", kind) for kind in program.activities),
        *(_part(f"earning_group/{group.key}", group) for group in program.earning_groups),
        *(_part(f"earning_rule/{rule.key}", rule) for rule in program.earning_rules),
        *(_part(f"promotion_group/{group.key}", group) for group in program.promotion_groups),
        *(_part(f"{PROMOTION}{promotion.key}", promotion) for promotion in program.promotions),
        *(_part(f"{TIER_SET}{tier_set.key}", tier_set) for tier_set in program.tier_sets),
        *(_part(f"{PLAN}{plan.key}", plan) for plan in program.plans),
        *(_part(f"referral/{referral.key}", referral) for referral in program.referrals),
    )


@dataclass(frozen=True, slots=True)
class Entries:
    """The models of all parts, by kind, each in the order of the document."""

    settings: Settings
    attributes: Attributes
    wallets: tuple[Wallet, ...]
    activities: tuple[ActivityKind, ...]
    groups: tuple[EarningGroup, ...]
    rules: tuple[EarningRuleEntry, ...]
    promotion_groups: tuple[PromotionGroup, ...]
    promotions: tuple[PromotionEntry, ...]
    tier_sets: tuple[TierSet, ...]
    plans: tuple[PlanEntry, ...]
    referrals: tuple[ReferralEntry, ...]


def sort_out(parts: Iterable[Part]) -> Entries:
    """Return the models of the parts of one program; raise ``ValueError`` when there are no settings among them."""
    entries = [read_part(part) for part in parts]
    settings = [entry for entry in entries if isinstance(entry, Settings)]
    if not settings:
        raise ValueError(SETTINGS)
    attributes = [entry for entry in entries if isinstance(entry, Attributes)]
    return Entries(
        settings=settings[0],
        attributes=attributes[0] if attributes else Attributes(),
        wallets=tuple(entry for entry in entries if isinstance(entry, (PointsWallet, MoneyWallet))),
        activities=tuple(entry for entry in entries if isinstance(entry, ActivityKind)),
        groups=tuple(entry for entry in entries if isinstance(entry, EarningGroup)),
        rules=tuple(entry for entry in entries if isinstance(entry, EarningRuleEntry)),
        promotion_groups=tuple(entry for entry in entries if isinstance(entry, PromotionGroup)),
        promotions=tuple(entry for entry in entries if isinstance(entry, PromotionEntry)),
        tier_sets=tuple(entry for entry in entries if isinstance(entry, TierSet)),
        plans=tuple(entry for entry in entries if isinstance(entry, PlanEntry)),
        referrals=tuple(entry for entry in entries if isinstance(entry, ReferralEntry)),
    )


def join(parts: Iterable[Part]) -> Program:
    """Return the program whose parts these are, in their order; raise ``ValueError`` when they are none."""
    entries = sort_out(parts)
    return Program(
        version=entries.settings.version,
        program=entries.settings.program,
        policies=entries.settings.policies,
        attributes=entries.attributes,
        wallets=entries.wallets,
        activities=entries.activities,
        earning_groups=entries.groups,
        earning_rules=entries.rules,
        promotion_groups=entries.promotion_groups,
        promotions=entries.promotions,
        tier_sets=entries.tier_sets,
        plans=entries.plans,
        referrals=entries.referrals,
    )


PartEntry = (
    Settings
    | Attributes
    | Wallet
    | ActivityKind
    | EarningGroup
    | EarningRuleEntry
    | PromotionGroup
    | PromotionEntry
    | TierSet
    | PlanEntry
    | ReferralEntry
)


def read_part(part: Part) -> PartEntry:
    """Return the model of one part; raise ``ValueError`` when it is none of ours."""
    body = json.loads(part.body)
    match part.key.partition("/")[0]:
        case "settings":
            return Settings.model_validate(body)
        case "attributes":
            return Attributes.model_validate(body)
        case "wallet":
            return _WALLET.validate_python(body)
        case "activity":
            return ActivityKind.model_validate(body)
        case "earning_group":
            return EarningGroup.model_validate(body)
        case "earning_rule":
            return EarningRuleEntry.model_validate(body)
        case "promotion_group":
            return PromotionGroup.model_validate(body)
        case "promotion":
            return PromotionEntry.model_validate(body)
        case "tier_set":
            return TierSet.model_validate(body)
        case "plan":
            return PlanEntry.model_validate(body)
        case "referral":
            return ReferralEntry.model_validate(body)
        case kind:
            raise ValueError(kind)


def _part(key: PartKey, entry: Entry) -> Part:
    content = entry.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    body = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Part(key, body, sha256(f"{key}\n{body}".encode()).hexdigest())
