"""Problems: what every error answers with, in the form of RFC 9457."""

from typing import Any

from pydantic import Field

from loyalty_engine.api.schemas.fields import Answer


class ProblemFault(Answer):
    """One fault in a request."""

    pointer: str = Field(
        description='JSON pointer into the body, or the name of a parameter; "" is the whole.',
        examples=["/lines/0/amount"],
    )
    code: str = Field(description="Stable code of the fault.", examples=["int_type"])
    message: str = Field(description="For people; may change.", examples=["Input should be a valid integer"])


class Problem(Answer):
    """An error. A 4xx moved no value, ever; after a 5xx ask again with the same idempotency key."""

    type: str = Field(
        description="Address of the problem's kind.",
        examples=["https://loyalty-engine.example/errors#validation_failed"],
    )
    title: str = Field(
        description="The kind in words; may change.", examples=["The request does not have the documented form"]
    )
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(
        description="What to do about it; may change.", examples=["Each entry of errors points to one fault."]
    )
    code: str = Field(
        description="Stable code to branch on; all are in docs/errors.md.", examples=["validation_failed"]
    )
    retryable: bool = Field(description="Whether the very same call may succeed later.", examples=[False])
    errors: list[ProblemFault] = Field(
        description="Each fault with the place it speaks of.",
        examples=[[{"pointer": "/lines/0/amount", "code": "int_type", "message": "Input should be a valid integer"}]],
    )
    details: dict[str, Any] = Field(description="Numbers that explain it, by code.", examples=[{"available": 120}])
