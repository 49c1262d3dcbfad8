"""What every route says of itself in OpenAPI: its problems, its headers, its security."""

from typing import Any, Final

from loyalty_engine.api.problems import MEDIA_TYPE, PROBLEMS

YAML: Final = "application/yaml"

_ALWAYS: Final = ("unauthenticated", "scope_missing", "internal_error", "unavailable")
_BODY: Final = ("malformed_json", "duplicate_name", "body_too_large", "unsupported_media_type", "validation_failed")
_KEY: Final = ("idempotency_key_required", "idempotency_key_invalid")

_KEY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A fresh key per business act, repeated on retries. The same key and body get the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "3f1c9a52-0c1e-7b60-8a55-2a9e5d1c7f10",
}


_CONDITION: Final = ("if_match_required", "revision_conflict")
_CONDITION_PARAMETER: Final = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of the revision that was edited, or * to overwrite whichever is current.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": '"3"',
}


def problems(
    *codes: str,
    body: bool = False,
    key: bool = False,
    condition: bool = False,
    yaml: str | None = None,
    is_open: bool = False,
) -> dict[str, Any]:
    """Return the ``responses`` and ``openapi_extra`` of a route that can answer with these problem codes.

    ``yaml`` names the schema of a body that may be YAML instead of JSON. ``is_open`` is for routes outside ``/v1``, which need no key and list their problems themselves.
    """
    declared = (*(_BODY if body else ()), *(_KEY if key else ()), *(_CONDITION if condition else ()))
    listed = codes if is_open else (*_ALWAYS, *declared, *codes)
    by_status: dict[int, list[str]] = {}
    for code in listed:
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    responses = {
        status: {
            "description": " · ".join(f"`{code}`" for code in found),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, found in sorted(by_status.items())
    }
    extra: dict[str, Any] = {"security": [] if is_open else [{"api_key": []}]}
    parameters = [*([_KEY_PARAMETER] if key else []), *([_CONDITION_PARAMETER] if condition else [])]
    if parameters:
        extra["parameters"] = parameters
    if yaml is not None:
        extra["requestBody"] = {"content": {YAML: {"schema": {"$ref": f"#/components/schemas/{yaml}"}}}}
    return {"responses": responses, "openapi_extra": extra}
