"""Members: enrolment, changes, and what is known of them."""

from typing import Annotated, Any, Self

from pydantic import Field

from loyalty_engine.api.schemas.fields import Answer, Attributes, Body, Code, DayField, IdentityField, ScalarField, Text
from loyalty_engine.core.engine.requests import Profile
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.reading.members import MemberRecord

Identities = Annotated[list[IdentityField], Field(max_length=20)]


class EnrolmentBody(Body):
    """A new member. Its identities belong to no other member of the program."""

    identities: Annotated[list[IdentityField], Field(min_length=1, max_length=20)] = Field(
        description="Names by which shops and tills know the member.",
        examples=[["card:2000012345", "email:a@example.com"]],
    )
    name: Text | None = Field(default=None, description="Name for people.", examples=["Ada"])
    birthday: DayField | None = Field(default=None, description="Day of birth.", examples=["1990-05-31"])
    attributes: Attributes = Field(default_factory=dict, description="Declared attributes.", examples=[{"vegan": True}])

    def as_profile(self) -> Profile:
        """Return the core's profile."""
        return Profile(self.name, self.birthday, self.attributes)


class MemberChangeBody(Body):
    """What changes; what is not named stays. null removes a name, a birthday or an attribute."""

    name: Text | None = Field(default=None, description="Name for people.", examples=["Ada"])
    birthday: DayField | None = Field(default=None, description="Day of birth.", examples=["1990-05-31"])
    attributes: Annotated[dict[Code, ScalarField | None], Field(max_length=100)] = Field(
        default_factory=dict, description="Attributes to set, or to remove with null.", examples=[{"vegan": None}]
    )
    add_identities: Identities = Field(
        default_factory=list, description="Identities to add.", examples=[["card:2000012346"]]
    )
    remove_identities: Identities = Field(
        default_factory=list, description="Identities to remove.", examples=[["card:2000012345"]]
    )

    def changes(self) -> dict[str, object]:
        """Return the profile fields that the caller named."""
        named = self.model_fields_set & {"name", "birthday", "attributes"}
        return {name: getattr(self, name) for name in named}


class MemberWriteAnswer(Answer):
    """A member that was enrolled or changed."""

    id: str = Field(description="The member.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    operation_id: str = Field(description="The accepted operation.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    status: str = Field(description="active or blocked.", examples=["active"])
    booked_at: str = Field(description="When it was accepted.", examples=["2026-11-21T10:15:02.120000Z"])


class MemberAnswer(Answer):
    """A member as it is known now."""

    id: str = Field(description="The member.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    status: str = Field(description="active, blocked or merged.", examples=["active"])
    merged_into: str | None = Field(
        description="With merged, the member that stands for it.", examples=["mem_01m8054496erxvcc6weqy7k3k9"]
    )
    identities: list[str] = Field(
        description="Names by which shops and tills know the member, also those of members merged into it.",
        examples=[["card:2000012345", "email:a@example.com"]],
    )
    name: str | None = Field(description="Name for people.", examples=["Ada"])
    birthday: str | None = Field(description="Day of birth.", examples=["1990-05-31"])
    attributes: dict[str, Any] = Field(description="Declared attributes.", examples=[{"vegan": True}])
    orders: int = Field(description="Orders accepted so far.", examples=[3])
    spend: int = Field(description="Goods of these orders less what points paid, in minor units.", examples=[5697])
    first_order_at: str | None = Field(description="When the first was bought.", examples=["2026-01-15T09:00:00Z"])
    last_order_at: str | None = Field(description="When the last was bought.", examples=["2026-11-21T10:15:00Z"])
    enrolled_at: str | None = Field(description="When the member was enrolled.", examples=["2026-01-15T09:00:02Z"])
    booked_at: str = Field(
        description="When the last operation was accepted.", examples=["2026-11-21T10:15:02.120000Z"]
    )

    @classmethod
    def of(cls, record: MemberRecord) -> Self:
        """Show a member."""
        return cls(
            id=show_id("mem", record.id),
            status="merged" if record.merged_into else record.status,
            merged_into=show_id("mem", record.merged_into) if record.merged_into else None,
            identities=list(record.identities),
            name=record.name,
            birthday=record.birthday.isoformat() if record.birthday else None,
            attributes=dict(record.attributes),
            orders=record.orders,
            spend=record.spend,
            first_order_at=show_instant(record.first_order_at) if record.first_order_at else None,
            last_order_at=show_instant(record.last_order_at) if record.last_order_at else None,
            enrolled_at=show_instant(record.enrolled_at) if record.enrolled_at else None,
            booked_at=show_instant(record.booked_at),
        )
