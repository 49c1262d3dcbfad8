"""Reasons: why rules and promotions gave something or did not."""

from typing import Any, Literal

from pydantic import Field

from loyalty_engine.api.schemas.fields import Answer


class LimitReason(Answer):
    """A limit that gave less than a rule or promotion would have given."""

    code: Literal["capped"] = Field(description="Always capped.", examples=["capped"])
    limit: dict[str, Any] = Field(
        description="The limit as the program's document has it.",
        examples=[{"per": "member", "points": 100, "period": "month"}],
    )
    used: int = Field(description="What earlier grants had used of it.", examples=[60])
    wanted: int = Field(description="What the rule would have given.", examples=[60])


class GroupReason(Answer):
    """A group of rules in which another one was chosen."""

    code: Literal["outdone"] = Field(description="Always outdone.", examples=["outdone"])
    group: str | None = Field(description="The group; null for the rules that are in none.", examples=["boosts"])
    wanted: int = Field(description="What the rule would have given.", examples=[10])


class ReasonAnswer(Answer):
    """Why a rule did or did not apply."""

    rule: str = Field(description="The rule.", examples=["coffee"])
    applied: bool = Field(description="Whether it applied.", examples=[False])
    code: str = Field(
        description="Stable code: applied, condition_failed, nothing_to_earn, inactive, not_open, limit_reached, "
        "outdone or wallet_gone.",
        examples=["condition_failed"],
    )
    wallet: str | None = Field(description="Wallet that it would credit.", examples=["points"])
    amount: int = Field(description="What it gave.", examples=[0])
    miss: dict[str, Any] | None = Field(
        default=None,
        description="With condition_failed, the first condition that failed. unmet: a fact with needed, actual and "
        "missing; lines, history and attribute say what was measured; personal facts hide their actual value. "
        "none_of: the misses of every alternative. excluded: the condition that held and should not.",
        examples=[
            {
                "code": "unmet",
                "fact": "order.total",
                "operator": "at_least",
                "needed": 2000,
                "actual": 1899,
                "missing": 101,
            }
        ],
    )
    limit: LimitReason | None = Field(
        default=None,
        description="With limit_reached, and with applied where a limit cut what the rule gave.",
        examples=[
            {
                "code": "capped",
                "limit": {"per": "member", "points": 100, "period": "month"},
                "used": 60,
                "wanted": 60,
            }
        ],
    )
    outdone: GroupReason | None = Field(
        default=None,
        description="With outdone, where another rule was chosen.",
        examples=[{"code": "outdone", "group": "boosts", "wanted": 10}],
    )


class PromotionReasonAnswer(Answer):
    """Why a promotion gave something or did not."""

    promotion: str = Field(description="The promotion.", examples=["free_delivery"])
    applied: bool = Field(description="Whether it applied.", examples=[False])
    code: str = Field(
        description="Stable code: applied, inactive, not_open, code_needed, not_for_this_buyer, member_required, "
        "condition_failed, "
        "limit_reached, nothing_to_discount or outdone.",
        examples=["condition_failed"],
    )
    amount: int = Field(description="What it took off, in minor units.", examples=[0])
    miss: dict[str, Any] | None = Field(
        default=None,
        description="With condition_failed, the first condition that failed, as in the reasons of rules.",
        examples=[
            {
                "code": "unmet",
                "fact": "order.total",
                "operator": "at_least",
                "needed": 5000,
                "actual": 4680,
                "missing": 320,
            }
        ],
    )
    limit: LimitReason | None = Field(
        default=None,
        description="With limit_reached, and with applied where a budget cut what it took off.",
        examples=[
            {"code": "capped", "limit": {"per": "member", "times": 1}, "used": 1, "wanted": 190},
        ],
    )
    outdone: GroupReason | None = Field(
        default=None,
        description="With outdone, where another promotion was chosen.",
        examples=[{"code": "outdone", "group": "offers", "wanted": 190}],
    )


class NudgeAnswer(Answer):
    """With what is missing, and nothing else, the cart would get a promotion, or more of it than it does."""

    promotion: str = Field(description="The promotion.", examples=["free_delivery"])
    name: str = Field(description="Its name for people.", examples=["Free delivery"])
    measure: Literal["amount", "quantity", "count", "sum"] = Field(
        description="What it takes more of: minor units of goods, units of goods, lines, or an attribute of lines in all.",
        examples=["amount"],
    )
    lines: dict[str, Any] | None = Field(
        default=None,
        description="Which goods count, as in the program; left out where all do.",
        examples=[{"category": ["coffee"]}],
    )
    attribute: str | None = Field(default=None, description="With sum, the attribute.", examples=["weight"])
    needed: int | str = Field(
        description="How much it takes; quantities, and sums of decimals, are decimal texts.", examples=[5000]
    )
    actual: int | str = Field(description="How much there is.", examples=[4680])
    missing: int | str = Field(description="How much more it takes.", examples=[320])
    effect: dict[str, Any] = Field(
        description="What the promotion gives, as in the program.", examples=[{"kind": "shipping_off"}]
    )
