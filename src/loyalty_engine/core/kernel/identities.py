"""Identities: the names by which shops and tills know a member, as one normalised text ``kind:value``."""

import re
from typing import Final, NewType

Identity = NewType("Identity", str)

_FORMS: Final = {
    "ext": re.compile(r"[\x21-\x7e]{1,128}"),
    "card": re.compile(r"[0-9A-Za-z-]{1,64}"),
    "email": re.compile(r"[^@\s\x00-\x1f\ud800-\udfff]{1,128}@[^@\s\x00-\x1f\ud800-\udfff]{1,125}"),
    "phone": re.compile(r"\+[1-9][0-9]{5,14}"),
}
"""``ext`` is the shop's own customer id, ``phone`` is E.164."""

_PHONE_NOISE: Final = str.maketrans("", "", " ()-./")


class InvalidIdentityError(ValueError):
    """The text is not ``ext:…``, ``card:…``, ``email:…`` or ``phone:…`` in its form."""


def parse_identity(text: str) -> Identity:
    """Return the one form under which an identity is kept.

    Emails are compared in lower case, phone numbers without spaces and punctuation, cards in upper case without
    change otherwise: leading zeros matter. Raises :class:`InvalidIdentityError`.
    """
    kind, _, value = text.partition(":")
    form = _FORMS.get(kind)
    if form is None:
        raise InvalidIdentityError(text)
    match kind:
        case "email":
            value = value.strip().lower()
        case "phone":
            value = value.translate(_PHONE_NOISE)
        case "card":
            value = value.upper()
        case _:
            pass
    if form.fullmatch(value) is None:
        raise InvalidIdentityError(text)
    return Identity(f"{kind}:{value}")
