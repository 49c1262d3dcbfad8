"""The ruleset: one revision of a program's document, compiled for evaluation. Immutable and shared freely."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from loyalty_engine.core.earning.rules import EarningRule, compile_earning
from loyalty_engine.core.kernel.amounts import Ratio
from loyalty_engine.core.points.redeeming import RedeemTerms
from loyalty_engine.core.program.attributes import AttributeDefinition, Attributes, ValueType
from loyalty_engine.core.program.document import EarningRuleEntry, Wallet
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.parts import Part, Settings, read_part
from loyalty_engine.core.rules.history import HistoryRange

AttributeTypes = Mapping[str, ValueType]


@dataclass(frozen=True, slots=True)
class WalletRules:
    """A kind of balance; ``redeem`` None means that it cannot be spent."""

    key: str
    redeem: RedeemTerms | None


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Everything that ``decide`` needs to know of a program.

    ``rules_by_hash`` and ``context`` (the hashes of what every rule is compiled with) let the next revision take over
    the rules that did not change.
    """

    revision: int
    currency: str
    unknown_card: Literal["enrol", "park", "refuse"]
    wallets: Mapping[str, WalletRules]
    member_attributes: AttributeTypes
    order_attributes: AttributeTypes
    line_attributes: AttributeTypes
    earning_rules: tuple[EarningRule, ...]
    reads_member_attributes: bool
    rules_by_hash: Mapping[str, EarningRule]
    context: tuple[str, ...]

    def history_range(self, at: datetime) -> HistoryRange | None:
        """Return which earlier orders the rules for orders ask for; None when they ask for none."""
        return None

    def shared_counters(self, at: datetime, activity: str | None = None) -> tuple[str, ...]:
        """Return the shared counters that an order placed then, or an activity of that kind, may take from."""
        return ()

    def mark_of(self, activity: str, subject: str | None, at: datetime) -> str | None:
        """Return the mark that an activity sets once per member; None when its kind counts every time or is unknown."""
        return None


def compile_ruleset(parts: Sequence[Part], revision: int, previous: Ruleset | None = None) -> Ruleset:
    """Compile the parts of a published revision; rules that ``previous`` compiled under the same context are reused."""
    entries = [(part, read_part(part)) for part in parts]
    settings = next(entry for _, entry in entries if isinstance(entry, Settings))
    attributes = next((entry for _, entry in entries if isinstance(entry, Attributes)), Attributes())
    context = tuple(part.content_hash for part, entry in entries if isinstance(entry, (Settings, Attributes)))
    known = previous.rules_by_hash if previous is not None and previous.context == context else {}
    vocabulary = Vocabulary.of(attributes)
    rules = {
        part.content_hash: known.get(part.content_hash)
        or compile_earning(entry, policy=settings.policies.earning, vocabulary=vocabulary)
        for part, entry in entries
        if isinstance(entry, EarningRuleEntry)
    }
    wallets = [entry for _, entry in entries if not isinstance(entry, (Settings, Attributes, EarningRuleEntry))]
    return Ruleset(
        revision=revision,
        currency=settings.program.currency,
        unknown_card=settings.program.unknown_card,
        wallets={wallet.key: _compile_wallet(wallet) for wallet in wallets},
        member_attributes=_types(attributes.member),
        order_attributes=_types(attributes.order),
        line_attributes=_types(attributes.line),
        earning_rules=tuple(rules.values()),
        reads_member_attributes=any(rule.reads_member_attributes for rule in rules.values()),
        rules_by_hash=rules,
        context=context,
    )


def _compile_wallet(wallet: Wallet) -> WalletRules:
    redeem = wallet.redeem
    if redeem is None:
        return WalletRules(wallet.key, None)
    terms = RedeemTerms(
        worth=redeem.worth,
        min_points=redeem.min_points,
        step=redeem.step,
        max_share=Ratio.parse_percent(redeem.max_share),
    )
    return WalletRules(wallet.key, terms)


def _types(declared: Mapping[str, AttributeDefinition]) -> AttributeTypes:
    return {name: definition.type for name, definition in declared.items()}
