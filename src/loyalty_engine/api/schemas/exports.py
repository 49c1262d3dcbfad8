"""How a file is wanted."""

from typing import Literal

from pydantic import Field

from loyalty_engine.api.pagination import Query


class ExportQuery(Query):
    """Which form a file has."""

    format: Literal["csv", "ndjson"] = Field(
        default="csv",
        description="csv, with cells that look like formulas made text; or ndjson, one JSON object a line.",
        examples=["ndjson"],
    )
