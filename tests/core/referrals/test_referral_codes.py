"""Referral codes: short forms of members' ids."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.kernel.codes import FoldedCode, fold_code
from loyalty_engine.core.referrals.codes import code_of, link_of, tail_of

ANNA = UUID("01900000-0000-7000-8abc-def012345678")


def test_a_code_is_twelve_characters_that_are_told_apart() -> None:
    assert code_of(ANNA) == "NF6Y-Y093-8NKR"


def test_a_code_leads_back_to_the_end_of_the_id() -> None:
    assert tail_of(FoldedCode("NF6YY0938NKR")) == 0xABCDEF012345678


@given(st.uuids())
def test_every_code_can_be_typed_and_leads_back(member_id: UUID) -> None:
    code = fold_code(code_of(member_id).lower())
    assert code is not None
    assert tail_of(code) == member_id.int % 2**60


@pytest.mark.parametrize("code", ["NF6YY0938NK", "NF6YY0938NKRR", "UF6YY0938NKR", "SUMMER"])
def test_what_is_no_code_of_a_member_leads_nowhere(code: str) -> None:
    assert tail_of(FoldedCode(code)) is None


def test_a_link_has_the_code_in_it() -> None:
    assert link_of("https://shop.example/r/{code}?x=1", ANNA) == "https://shop.example/r/NF6YY0938NKR?x=1"
