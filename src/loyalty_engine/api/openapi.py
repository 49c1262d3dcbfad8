"""The OpenAPI document: what FastAPI knows of the routes, and what holds for all of them."""

import json
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from loyalty_engine.api.problems import MEDIA_TYPE
from loyalty_engine.api.schemas.problems import Problem

Json = dict[str, Any]

DESCRIPTION: Final = """\
Keeps loyalty points with the care of a bank and decides what every purchase earns and may spend.

Money is in integer minor units with an ISO 4217 code; instants are RFC 3339 with an offset. A write that moves value
takes an `Idempotency-Key`: repeated with the same body it gets the same answer, so after a time-out or a 5xx just ask
again. A 4xx moved no value, ever. Errors are `application/problem+json`; branch on their `code`.
"""

TAGS: Final[dict[str, str]] = {
    "orders": "Purchases: evaluate, report, claim, edit, confirm.",
    "reservations": "Carts that are about to be paid: hold what they take, confirm, release.",
    "reviews": "Orders that came late, from the future or under a used number: look at them, book or dismiss them.",
    "returns": "Goods that come back: report, list, void a whole order.",
    "activities": "What members do beside buying: report, read.",
    "points": "Points outside orders: redeem, hold, capture, take back, correct; balances, postings, lots and expirations.",
    "corrections": "What the back office sets right: transfer, merge, block, change lots, reverse.",
    "members": "People and cards: enrol, read, change.",
    "tiers": "Statuses of members: where they are, what that entitles them to, by hand.",
    "memberships": "Plans that members pay for: payments, trials, who leaves, refunds, and what a member has.",
    "program": "The program document: read, publish, roll back.",
    "promo codes": "Codes that open promotions, and vouchers of partners: create, give to members, look up, pause, list.",
    "referrals": "Friends whom members bring: their codes, who registered, what both got, and what waits for a look.",
    "keys": "API keys: create, list, rotate, revoke.",
    "ledger": "Proof that the books add up.",
    "jobs": "Work that runs later: see how far it is, cancel it, try it again.",
    "operations": "What was accepted, and why it came out as it did.",
    "imports": "Members, points, past orders and codes from files.",
    "exports": "Everything of one kind as a file.",
    "health": "Health, readiness and metrics, for those who run the service. No key is needed.",
}

_NAMES: Final[dict[str, tuple[str, str]]] = {
    "plan": ("Key of a plan of the program.", "club"),
    "member": ("A member: mem_… or one of its identities, such as card:….", "card:2000012345"),
    "tier_set": ("A tier set, by its key.", "status"),
    "order_id": ("An order, by our id.", "ord_01m8054496erxvcc6weqy7k3j5"),
    "activity_id": ("An activity.", "act_01m8054496erxvcc6weqy7k3j5"),
    "redemption_id": ("A redemption or a hold.", "red_01m8054496erxvcc6weqy7k3j5"),
    "reservation_id": ("A reservation.", "res_01m8054496erxvcc6weqy7k3j5"),
    "review_id": ("A review.", "rev_01m8054496erxvcc6weqy7k3j5"),
    "referral_id": ("A referral.", "rfl_01m8054496erxvcc6weqy7k3j5"),
    "return_id": ("A return.", "ret_01m8054496erxvcc6weqy7k3j5"),
    "lot_id": ("A lot.", "lot_01m8054496erxvcc6weqy7k3j7"),
    "job_id": ("A job.", "job_01m8054496erxvcc6weqy7k3j5"),
    "import_id": ("An import, by the id of its job.", "job_01m8054496erxvcc6weqy7k3j5"),
    "from": ("The first day (UTC); 31 before the end by default.", "2026-11-01"),
    "to": ("The day after the last (UTC); today by default.", "2026-12-01"),
    "operation_id": ("An operation.", "op_01m8054496erxvcc6weqy7k3j5"),
    "key_id": ("An API key, by its id.", "key_01m8054496erxvcc6weqy7k3j5"),
    "order": ("An order, by our id.", "ord_01m8054496erxvcc6weqy7k3j5"),
    "parked_for": ("The card that orders wait for.", "card:2000012345"),
}
"""What stands under a name in paths and queries, and an example: the same in every route."""

_SCHEME: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "lk_live_… or lk_test_…",
    "description": "An API key. Each route names the scope that the key must have.",
}
_FRAMEWORK_SCHEMAS: Final = ("HTTPValidationError", "ValidationError")
_REF: Final = "#/components/schemas/{model}"


def describe_api(application: FastAPI) -> Json:
    """Return the OpenAPI document of the application; the same routes always give the same document."""
    if application.openapi_schema is None:
        document = get_openapi(
            title=application.title,
            version=application.version,
            description=DESCRIPTION,
            routes=application.routes,
            license_info=application.license_info,
            separate_input_output_schemas=False,
        )
        document["tags"] = [
            {"name": name, "description": text} for name, text in TAGS.items() if name in _used(document)
        ]
        _complete(document)
        application.openapi_schema = document
    return application.openapi_schema


def write_api(document: Json) -> str:
    """Return the document as the text of a file: sorted, so that a change of it shows as a change of the API."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _complete(document: Json) -> None:
    """Put in what our routes refer to, and take out what the framework says of errors, which are ours."""
    components = document["components"]
    schema = Problem.model_json_schema(ref_template=_REF)
    components["schemas"] |= schema.pop("$defs") | {"Problem": schema}
    components["securitySchemes"] = {"api_key": _SCHEME}
    for name in _FRAMEWORK_SCHEMAS:
        components["schemas"].pop(name, None)
    for operation in _operations(document):
        _replace_validation_error(operation["responses"])
        for parameter in operation.get("parameters", ()):
            _describe(parameter)


def _describe(parameter: Json) -> None:
    """Say what a parameter means whose declaration cannot."""
    if parameter["name"] in _NAMES:
        parameter["description"], parameter["example"] = _NAMES[parameter["name"]]


def _replace_validation_error(responses: Json) -> None:
    schema = responses.get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if schema.get("$ref", "").endswith("/HTTPValidationError"):
        responses["422"] = {
            "description": "`validation_failed`",
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }


def _operations(document: Json) -> list[Json]:
    return [operation for item in document["paths"].values() for operation in item.values()]


def _used(document: Json) -> set[str]:
    return {tag for operation in _operations(document) for tag in operation.get("tags", ())}
