from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.kernel.ids import InvalidIdError, nth, read_id, show_id

BASE = UUID("01900000-0000-7000-8000-000000000000")


@given(st.uuids())
def test_an_id_reads_back_as_it_was_shown(value: UUID) -> None:
    assert read_id("op", show_id("op", value)) == value


@given(st.uuids(), st.uuids())
def test_ids_sort_as_their_texts(one: UUID, two: UUID) -> None:
    assert (one < two) == (show_id("op", one) < show_id("op", two))


def test_an_id_is_shown_in_the_alphabet_that_can_be_read_out() -> None:
    assert show_id("mem", BASE) == "mem_01j0000000e008000000000000"
    assert set(show_id("mem", UUID(int=2**128 - 1))[4:]) == {"7", "z"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mem_",
        "op_00000000000000000000000000",
        "mem_0000000000000000000000000",
        "mem_000000000000000000000000000",
        "mem_0000000000000000000000000I",
        "mem_0000000000000000000000000u",
        "mem_0000000000000000000000000A",
        "mem_80000000000000000000000000",
        "mem_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "mem-00000000000000000000000000",
        " mem_00000000000000000000000000",
        "mem_0000000000000000000000000\n",
    ],
)
def test_anything_but_the_exact_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdError):
        read_id("mem", text)


@given(st.integers(0, 2**62 - 1), st.integers(1, 2**21), st.integers(1, 2**21))
def test_derived_ids_differ_and_keep_time_and_version(tail: int, one: int, two: int) -> None:
    base = UUID(int=BASE.int | tail)

    assert (nth(base, one) == nth(base, two)) == (one == two)
    assert nth(base, one) != base
    assert (nth(base, one).int >> 62, nth(base, one).version) == (base.int >> 62, 7)
