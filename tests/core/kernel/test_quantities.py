import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.kernel.quantities import MAX_QUANTITY, parse_quantity, show_quantity


@given(st.integers(0, MAX_QUANTITY))
def test_a_quantity_reads_back_as_it_was_shown(value: int) -> None:
    assert parse_quantity(show_quantity(value)) == value


@pytest.mark.parametrize(
    ("text", "millionths", "shown"),
    [
        ("0", 0, "0"),
        ("1", 1_000_000, "1"),
        ("007", 7_000_000, "7"),
        ("0.355", 355_000, "0.355"),
        ("1.250000", 1_250_000, "1.25"),
        ("0.000001", 1, "0.000001"),
        ("1000000000", MAX_QUANTITY, "1000000000"),
    ],
)
def test_a_quantity_is_exact(text: str, millionths: int, shown: str) -> None:
    assert parse_quantity(text) == millionths
    assert show_quantity(millionths) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".5",
        "1.",
        "-1",
        "+1",
        "1e3",
        "1,5",
        " 1",
        "0.0000001",
        "1000000000.000001",
        "99999999999",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "NaN",
    ],
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text itself is all that is said
        parse_quantity(text)
