"""API keys: what is asked for, and what is shown of them."""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.api.pagination import Page
from loyalty_engine.api.schemas.fields import Answer, Body, Code, InstantField, Text
from loyalty_engine.application.grants import Grant
from loyalty_engine.application.scopes import SCOPES
from loyalty_engine.application.tokens import Mode, mode_of
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.clients import Key

LONGEST_OVERLAP: Final = timedelta(days=7)


def _check_scope(scope: str) -> str:
    if scope not in SCOPES:
        raise PydanticCustomError("unknown_scope", "is not a scope")
    return scope


ScopeField = Annotated[str, AfterValidator(_check_scope), WithJsonSchema({"type": "string", "enum": list(SCOPES)})]


class KeyBody(Body):
    """A new API key and the application behind it. It may do no more than the key that creates it."""

    name: Text = Field(description="Name of the application, for people.", examples=["Till 2 of store 1"])
    scopes: Annotated[list[ScopeField], Field(min_length=1, max_length=len(SCOPES))] = Field(
        description="What the key may do: " + " ".join(f"`{scope}`: {meaning}" for scope, meaning in SCOPES.items()),
        examples=[["orders:write", "evaluations:read"]],
    )
    location: Code | None = Field(
        default=None, description="Binds the key to a store or channel: its orders count there.", examples=["store-1"]
    )
    till: Code | None = Field(default=None, description="Binds the key to a till of that location.", examples=["2"])
    expires_at: InstantField | None = Field(
        default=None, description="When the key ends; by default it does not.", examples=["2027-11-21T00:00:00Z"]
    )
    mode: Mode = Field(default="live", description="Told apart by the secret's prefix.", examples=["live"])

    @field_validator("till")
    @classmethod
    def _check_till(cls, till: str | None, info: ValidationInfo) -> str | None:
        if till is not None and info.data.get("location") is None:
            raise PydanticCustomError("location_required", "needs a location beside it")
        return till

    def as_grant(self) -> Grant:
        """Return what is to be granted."""
        return Grant(self.name, tuple(self.scopes), self.location, self.till, self.expires_at, self.mode)


class RotationBody(Body):
    """How a key is replaced."""

    overlap_seconds: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP // timedelta(seconds=1))] = Field(
        default=0, description="How long the old secret lives on; at once over by default.", examples=[3600]
    )
    expires_at: InstantField | None = Field(
        default=None,
        description="When the new secret ends; by default when the old one would have.",
        examples=["2027-11-21T00:00:00Z"],
    )


class RevocationBody(Body):
    """Nothing needs to be said to revoke a key."""


class KeyAnswer(Answer):
    """An API key, without its secret."""

    id: str = Field(description="The key.", examples=["key_01m8054496erxvcc6weqy7k3j5"])
    client_id: int = Field(description="The application, which keeps its id when its key is rotated.", examples=[2])
    name: str = Field(description="Name of the application.", examples=["Till 2 of store 1"])
    scopes: list[str] = Field(description="What the key may do.", examples=[["orders:write", "evaluations:read"]])
    location: str | None = Field(description="The store it is bound to.", examples=["store-1"])
    till: str | None = Field(description="The till it is bound to.", examples=["2"])
    mode: Mode = Field(description="live or test.", examples=["live"])
    hint: str = Field(description="Beginning and end of the secret.", examples=["lk_live_1_…7k3j"])
    status: Literal["live", "expired", "revoked"] = Field(description="Whether it works.", examples=["live"])
    created_at: str = Field(description="When it was made.", examples=["2026-11-21T10:15:02.120000Z"])
    expires_at: str | None = Field(description="When it ends by itself.", examples=["2027-11-21T00:00:00Z"])
    revoked_at: str | None = Field(description="When it was revoked.", examples=["2026-12-24T18:00:00Z"])

    @classmethod
    def of(cls, key: Key) -> "KeyAnswer":
        """Return what is shown of a key."""
        return cls(**fields_of(key))


class KeysPage(Page[KeyAnswer]):
    """API keys, newest first."""


class NewKeyAnswer(KeyAnswer):
    """A key that was made just now."""

    secret: str = Field(
        description="The bearer token. It is shown this once and kept nowhere.",
        examples=["lk_live_1_…"],
    )


class RevocationAnswer(KeyAnswer):
    """A key that was revoked."""

    is_own_key: bool = Field(description="True when this was the key that asked.", examples=[False])
    managers_left: int = Field(
        description="How many live keys can still manage keys; without one, only the operator's command line can.",
        examples=[1],
    )


def fields_of(key: Key) -> dict[str, Any]:
    """Return the fields of :class:`KeyAnswer`."""
    return {
        "id": show_id("key", key.id),
        "client_id": key.client_id,
        "name": key.name,
        "scopes": list(key.scopes),
        "location": key.location,
        "till": key.till,
        "mode": mode_of(key.hint),
        "hint": key.hint,
        "status": "live" if key.is_live else "expired" if key.revoked_at is None else "revoked",
        "created_at": show_instant(key.created_at),
        "expires_at": show_instant(key.expires_at) if key.expires_at else None,
        "revoked_at": show_instant(key.revoked_at) if key.revoked_at else None,
    }
