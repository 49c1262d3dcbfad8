"""All promotions of a program, with what is worked out once for every order that they will see."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from loyalty_engine.core.earning.index import Index
from loyalty_engine.core.earning.rules import Multiplier
from loyalty_engine.core.program.promotions import PromotionGroup
from loyalty_engine.core.promotions.offers import Promotion, PromotionCap

Choice = Literal["all", "best", "first"]


@dataclass(frozen=True, slots=True, eq=False)
class Promotions:
    """All promotions of a program, ready to be played."""

    promotions: tuple[Promotion, ...]
    groups: Mapping[str, PromotionGroup]
    choose: Choice
    index: Index[Promotion] = field(init=False)
    looking_back: tuple[Promotion, ...] = field(init=False)
    """Those that ask for earlier orders."""
    multipliers: Mapping[str, Multiplier] = field(init=False)
    """How promotions multiply what rules give, by their keys."""
    issuing: Mapping[str, str] = field(init=False)
    """The pools out of which promotions give codes, by the keys of these promotions."""
    has_caps: bool = field(init=False)
    """Whether any of those in use is limited."""
    shared_caps: tuple[PromotionCap, ...] = field(init=False)
    """The limits whose counters all members share."""
    by_code: Mapping[str, Promotion] = field(init=False)
    """Those that promo codes open, by their keys."""
    is_flat: bool = field(init=False)
    """Whether all that may play do, one upon the other, without any group."""
    is_in_order: bool = field(init=False)
    """Whether they also do so in the order of the document."""
    firsts: Mapping[str, int] = field(init=False)
    """Where in the document each group begins: among neighbours of one priority it plays in its first promotion's place."""

    def __post_init__(self) -> None:
        active = tuple(promotion for promotion in self.promotions if promotion.is_active)
        caps = tuple(cap for promotion in active for cap in promotion.caps if cap.per != "member")
        is_flat = self.choose == "all" and all(one.group is None for one in self.promotions)
        turns = [one.turn for one in self.promotions]
        object.__setattr__(self, "is_flat", is_flat)
        object.__setattr__(self, "is_in_order", is_flat and turns == sorted(turns))
        object.__setattr__(self, "index", Index([(promotion, promotion.door) for promotion in active]))
        object.__setattr__(self, "looking_back", tuple(one for one in active if one.history))
        object.__setattr__(self, "has_caps", any(one.caps for one in active))
        object.__setattr__(self, "shared_caps", caps)
        object.__setattr__(self, "by_code", {one.key: one for one in self.promotions if one.needs_code})
        object.__setattr__(self, "firsts", self._find_firsts())
        multipliers = {one.key: one.multiplies for one in self.promotions if one.multiplies is not None}
        object.__setattr__(self, "multipliers", multipliers)
        issuing = {one.key: one.issues for one in active if one.issues is not None}
        object.__setattr__(self, "issuing", issuing)

    def _find_firsts(self) -> Mapping[str, int]:
        firsts: dict[str, int] = {}
        for promotion in self.promotions:
            group = promotion.group
            while group is not None and group not in firsts:
                firsts[group] = promotion.position
                group = self.groups[group].group
        return firsts
