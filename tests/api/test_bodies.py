import pytest

from loyalty_engine.api.bodies import parse_strictly
from loyalty_engine.api.problems import ProblemError

SPELLINGS = {
    "shortest": b'{"a":[1,-0.5,"\xc3\xa9",null,true],"b":{"a":18446744073709551615}}',
    "spaced": b'{ "a": [1, -0.5, "\xc3\xa9", null, true],\n "b": {"a": 18446744073709551615}}',
    "escaped": b'{"a":[1,-5e-1,"\\u00e9",null,true],"b":{"\\u0061":18446744073709551615}}',
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_of_a_body_means_the_same(name: str) -> None:
    assert parse_strictly(SPELLINGS[name]) == {"a": [1, -0.5, "é", None, True], "b": {"a": 18446744073709551615}}


@pytest.mark.parametrize(
    "raw",
    [b'{"a":1,"a":1}', b'{"a":1,"a":2}', b'{"a":1, "a":1}', b'{"b":[{"a":1,"\\u0061":1}]}', b'{"a":{},"a":{"a":1}}'],
)
def test_a_name_given_twice_is_refused_in_every_spelling(raw: bytes) -> None:
    with pytest.raises(ProblemError) as problem:
        parse_strictly(raw)
    assert (problem.value.code, problem.value.details) == ("duplicate_name", {"name": "a"})


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a":NaN}', b'{"a":-Infinity}', b'"\xff"', b"{}{}", b"[" * 100_000])
def test_what_is_no_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(ProblemError) as problem:
        parse_strictly(raw)
    assert problem.value.code == "malformed_json"


@pytest.mark.parametrize("raw", [b'{"a":"\\u0000"}', b'{"a":"\\ud800"}', b'{"\\u0000":1}'])
def test_text_that_cannot_be_kept_is_refused(raw: bytes) -> None:
    with pytest.raises(ProblemError) as problem:
        parse_strictly(raw)
    assert [fault.code for fault in problem.value.errors] == ["unstorable_text"]
