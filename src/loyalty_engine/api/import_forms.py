"""The forms of imported rows: request bodies and their digests, as the API reads them."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from loyalty_engine.api.bodies import BodyReader, digest, faults_of
from loyalty_engine.api.problems import PROBLEMS, Fault, ProblemError
from loyalty_engine.api.schemas.import_rows import CodeRowBody, LotRowBody, MemberRowBody, OrderRowBody
from loyalty_engine.application.imports.rows import CodeRow, Kind, LotRow, MemberRow, OrderRow, Row, RowError
from loyalty_engine.core.kernel.codes import fold_code
from loyalty_engine.core.kernel.refusals import Refusal

_MODELS: Final[Mapping[Kind, type[BaseModel]]] = {
    "members": MemberRowBody,
    "lots": LotRowBody,
    "orders": OrderRowBody,
    "codes": CodeRowBody,
}
_LONGEST: Final = 200
"""Characters that are kept of a pointer: a name of the file may stand in it."""


class ImportForms:
    """Reads rows of all kinds; see :class:`loyalty_engine.application.imports.rows.Forms`."""

    def __init__(self) -> None:
        self._readers = {kind: BodyReader(model) for kind, model in _MODELS.items()}

    def read_json(self, kind: Kind, raw: bytes) -> Row:
        """Return the row that a JSON object holds."""
        try:
            body, parsed = self._readers[kind].read(raw)
            return _row_of(body, parsed)
        except ProblemError as error:
            raise _row_error(error) from None

    def read_value(self, kind: Kind, value: Mapping[str, Any]) -> Row:
        """Return the row that a parsed object holds."""
        try:
            return _row_of(_MODELS[kind].model_validate(value), value)
        except ValidationError as error:
            raise _row_error(ProblemError("validation_failed", errors=faults_of(error))) from None
        except ProblemError as error:
            raise _row_error(error) from None

    def explain(self, refusal: Refusal) -> str:
        """Return a refusal in words."""
        return PROBLEMS[refusal.code].title


def _row_of(body: BaseModel, parsed: Any) -> Row:  # noqa: ANN401 - any JSON value
    match body:
        case MemberRowBody():
            lots = tuple(lot.as_lot() for lot in body.lots)
            identities = tuple(dict.fromkeys(body.identities))
            content = digest("import_opening", parsed.get("lots", ()))
            return MemberRow(identities, body.as_profile(), body.enrolled_at, lots, content)
        case LotRowBody():
            content = digest("import_lot", parsed)
            return LotRow(body.member, str(body.member), body.as_lot(), body.reference, content)
        case OrderRowBody():
            order = body.as_order_at(body.placed_at, None)
            return OrderRow(body.member, order, digest("place_order", parsed))
        case CodeRowBody():
            folded = fold_code(body.code)
            assert folded is not None
            return CodeRow(folded, body.code)
        case _:
            raise AssertionError(type(body))


def _row_error(error: ProblemError) -> RowError:
    """Return the first fault of a row; messages repeat nothing of its content."""
    first = error.errors[0] if error.errors else Fault("", error.code, PROBLEMS[error.code].title)
    return RowError(first.code, first.message, first.pointer[:_LONGEST])
