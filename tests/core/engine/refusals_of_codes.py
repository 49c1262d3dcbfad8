"""What codes are refused for: as in ``test_refusals``."""

from datetime import timedelta
from typing import Any, Final

from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.requests import IssueCode
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.promotions.pools import Candidate, KnownPool, PoolKind
from tests.core.engine.refused import BLOCKED, NOBODY, SOMEBODY, Case
from tests.core.engine_cases import MEMBER, NOW, call, member, with_member

FILM: Final = Candidate(FoldedCode("F1LM0001"), "FILM-0001")
ISSUE: Final = IssueCode(call(), MEMBER, "next")


def knowing(kind: PoolKind, **fields: Any) -> Facts:  # noqa: ANN401 - fields of a pool
    return with_member(member(), pools={"next": KnownPool("next", kind, **fields)})


CODE_CASES: Final = [
    Case("member_not_found", ISSUE, NOBODY),
    Case("member_blocked", ISSUE, BLOCKED),
    Case("code_pool_not_found", ISSUE, SOMEBODY, "/pool", {"pool": "next"}),
    Case("code_pool_unsuited", ISSUE, knowing("generated"), "/pool", {"pool": "next"}),
    Case("code_pool_unsuited", ISSUE, knowing("imported"), "/pool", {"pool": "next"}),
    Case("code_pool_unsuited", ISSUE, knowing("shared"), "/pool", {"pool": "next"}),
    Case("code_pool_paused", ISSUE, knowing("vouchers", is_active=False), "/pool", {"pool": "next"}),
    Case("code_pool_ended", ISSUE, knowing("vouchers", ends_at=NOW), "/pool", {"pool": "next"}),
    Case(
        "code_pool_ended",
        ISSUE,
        knowing("vouchers", starts_after_days=5, ends_at=NOW + timedelta(days=5), next_codes=(FILM,)),
        "/pool",
        {"pool": "next"},
    ),
    Case(
        "code_pool_ended",
        ISSUE,
        knowing("vouchers", ends_after_days=5, starts_at=NOW + timedelta(days=5), next_codes=(FILM,)),
        "/pool",
        {"pool": "next"},
    ),
    Case("code_pool_empty", ISSUE, knowing("vouchers"), "/pool", {"pool": "next"}),
]
