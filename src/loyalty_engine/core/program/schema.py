"""The JSON Schema of program documents, which editors read to complete and check what people type.

It says what the models say. What only the checks know (that a rule names a wallet which exists) it cannot.
"""

from functools import cache
from typing import Any, Final

from loyalty_engine.core.program.document import Program

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ID: Final = "https://loyalty-engine.example/schemas/program-1.json"
"""Names version 1 of the document's form; nothing is to be found there."""


@cache
def describe_program() -> dict[str, Any]:
    """Return the schema. It is shared by all callers: not to be changed."""
    schema = Program.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, "$id": ID, **schema, "title": "Loyalty program document"}
