"""Promo codes as texts: what people may type for a code, and what made ones look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.kernel.codes import ALPHABET, CodePattern, FoldedCode, fold_code


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("SUMMER26", "SUMMER26"),
        ("summer-26", "SUMMER26"),
        (" Summer 26 ", "SUMMER26"),
        ("HELLO", "HE110"),
        ("he1lo", "HE110"),
        ("O0I1L", "00111"),
        ("abc", None),
        ("ab c-", None),
        ("SUMMER!", None),
        ("\u0421\u0423\u041c\u041c\u0415\u0420", None),
        ("", None),
        ("A" * 64, "A" * 64),
        ("A" * 65, None),
        ("A" * 200, None),
        ("straße", None),
        ("\u0000ABCD", None),
    ],
)
def test_what_people_type_is_folded(typed: str, folded: str | None) -> None:
    assert fold_code(typed) == folded


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("XMAS-####-####", 8),
        ("####", 4),
        ("a#b#c#", 3),
        ("##", None),
        ("XMAS", None),
        ("XM#S ", None),
        ("#" * 65, None),
    ],
)
def test_a_pattern_says_where_random_characters_go(text: str, slots: int | None) -> None:
    pattern = CodePattern.parse(text)
    assert (None if pattern is None else pattern.slots) == slots


def test_codes_are_made_of_bytes() -> None:
    pattern = CodePattern.parse("X-##-##")
    assert pattern is not None
    assert pattern.room == 32**4
    assert list(pattern.make(bytes([0, 1, 30, 31, 255, 32, 64, 9, 7]))) == ["X-01-YZ", "X-Z0-09"]


@given(st.binary(min_size=24, max_size=240))
def test_made_codes_fold_to_themselves_without_hyphens(entropy: bytes) -> None:
    pattern = CodePattern.parse("NEW-####-####")
    assert pattern is not None
    codes = list(pattern.make(entropy))
    assert len(codes) == len(entropy) // 8
    assert [fold_code(code) for code in codes] == [code.replace("-", "") for code in codes]


def test_no_two_characters_of_made_codes_look_alike() -> None:
    assert len({fold_code(character * 4) for character in ALPHABET}) == 32


def test_many_codes_come_folded_once_each_and_in_order() -> None:
    pattern = CodePattern.parse("New-##-##")
    assert pattern is not None
    entropy = bytes([31, 0, 0, 0, 0, 1, 0, 0, 31, 0, 0, 0, 0, 0, 0, 9, 7, 7])
    assert list(pattern.draw(entropy)) == [["NEW0009", "NEW0100"], ["NEWZ000"]]


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        ("Hello-##-##", "HE110ABCD", "Hello-AB-CD"),
        ("#X#-O#", "0X102", "0X1-O2"),
        ("####", "Z0Z0", "Z0Z0"),
    ],
)
def test_a_made_code_is_shown_by_its_pattern(text: str, code: str, shown: str) -> None:
    pattern = CodePattern.parse(text)
    assert pattern is not None
    assert pattern.show(FoldedCode(code)) == shown
    assert fold_code(shown) == code


@given(st.binary(min_size=3, max_size=240), st.sampled_from(["NEW-###", "#a#-Lo#z", "#-##X"]))
def test_codes_drawn_and_codes_made_are_the_same(entropy: bytes, text: str) -> None:
    pattern = CodePattern.parse(text)
    assert pattern is not None
    made = list(pattern.make(entropy))
    drawn = [code for run in pattern.draw(entropy) for code in run]
    assert drawn == sorted({str(fold_code(code)) for code in made})
    assert {pattern.show(code) for code in drawn} == set(made)
    assert all(code.startswith(pattern.beginning) for code in drawn)
