import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.kernel.identities import InvalidIdentityError, parse_identity


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ext:Customer/7", "ext:Customer/7"),
        ("card:0020ab-7", "card:0020AB-7"),
        ("email: Ada@Example.COM ", "email:ada@example.com"),
        ("phone:+49 (30) 123-45.67/8", "phone:+4930123456 78".replace(" ", "")),
    ],
)
def test_an_identity_is_kept_in_one_form(text: str, kept: str) -> None:
    assert parse_identity(text) == kept


@given(st.text())
def test_the_kept_form_is_its_own(text: str) -> None:
    for kind in ("ext", "card", "email", "phone"):
        try:
            kept = parse_identity(f"{kind}:{text}")
        except InvalidIdentityError:
            continue
        assert parse_identity(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "card",
        "card:",
        ":1",
        "tax:1",
        "CARD:1",
        "card:a b",
        "card:" + "1" * 65,
        "ext:\x00",
        "ext:ä",
        "ext:\ud800",
        "ext:1\n",
        "email:nobody",
        "email:a@b@c",
        "email:\ud800@example.com",
        "phone:030123456",
        "phone:+0123456",
        "phone:+4930",
        "phone:+1234567890123456",
        "phone:+٤٩٣٠١٢٣٤٥",
    ],
)
def test_what_is_no_identity_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdentityError):
        parse_identity(text)
