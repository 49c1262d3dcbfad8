"""A program as a list of parts, each with the hash of its content, so that a revision stores and compiles only what
it changes: one of 2,000 earning rules is one new part.

The order of the list is the order of the document. A part's body is canonical JSON (sorted names, no spaces, defaults
left out), so that the same content always has the same hash. The key is hashed too: parts are stored by their hash, and
two kinds of parts may have equal bodies.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from pydantic import Field, TypeAdapter

from loyalty_engine.core.program.attributes import Attributes
from loyalty_engine.core.program.document import EarningRuleEntry, Identity, Policies, Program, Version, Wallet
from loyalty_engine.core.program.fields import Entry

PartKey = str
"""``settings``, ``attributes``, ``wallet/<key>`` or ``earning_rule/<key>``."""

SETTINGS: Final[PartKey] = "settings"
ATTRIBUTES: Final[PartKey] = "attributes"
WALLET: Final = "wallet/"
"""How the keys of wallet parts begin."""


class Settings(Entry):
    """The part of a program that is neither attributes, nor a wallet, nor a rule."""

    version: Version = Field(description="Version of the document's form.", examples=[1])
    program: Identity = Field(description="Who the programme is.", examples=[{"name": "Corner Grocer"}])
    policies: Policies = Field(default=Policies(), description="Choices that hold for all rules.", examples=[{}])


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its key, its body as canonical JSON text, and the SHA-256 of both in hexadecimal."""

    key: PartKey
    body: str
    content_hash: str


_WALLET: Final[TypeAdapter[Wallet]] = TypeAdapter(Wallet)


def split(program: Program) -> tuple[Part, ...]:
    """Return the parts of ``program`` in document order. Its keys must be unique (``check_program`` says so)."""
    settings = Settings(version=program.version, program=program.program, policies=program.policies)
    return (
        _part(SETTINGS, settings),
        _part(ATTRIBUTES, program.attributes),
        *(_part(f"{WALLET}{wallet.key}", wallet) for wallet in program.wallets),
        *(_part(f"earning_rule/{rule.key}", rule) for rule in program.earning_rules),
    )


def join(parts: Iterable[Part]) -> Program:
    """Return the program whose parts these are, in their order; raise ``ValueError`` when they are none."""
    settings: Settings | None = None
    attributes = Attributes()
    wallets: list[Wallet] = []
    rules: list[EarningRuleEntry] = []
    for part in parts:
        match read_part(part):
            case Settings() as entry:
                settings = entry
            case Attributes() as entry:
                attributes = entry
            case EarningRuleEntry() as entry:
                rules.append(entry)
            case entry:
                wallets.append(entry)
    if settings is None:
        raise ValueError(SETTINGS)
    return Program(
        version=settings.version,
        program=settings.program,
        policies=settings.policies,
        attributes=attributes,
        wallets=tuple(wallets),
        earning_rules=tuple(rules),
    )


def read_part(part: Part) -> Settings | Attributes | Wallet | EarningRuleEntry:
    """Return the models of one part; raise ``ValueError`` when it is none of ours."""
    body = json.loads(part.body)
    match part.key.partition("/")[0]:
        case "settings":
            return Settings.model_validate(body)
        case "attributes":
            return Attributes.model_validate(body)
        case "wallet":
            return _WALLET.validate_python(body)
        case "earning_rule":
            return EarningRuleEntry.model_validate(body)
        case kind:
            raise ValueError(kind)


def _part(key: PartKey, entry: Entry) -> Part:
    content = entry.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    body = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Part(key, body, sha256(f"{key}\n{body}".encode()).hexdigest())
