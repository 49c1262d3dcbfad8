"""Where a fault of a document lies in its file."""

from pathlib import Path
from typing import Final

import pytest

from loyalty_engine.cli.source import Source

YAML: Final = b"""\
version: 1
program:
  name: Caf\xc3\xa9
wallets:
  - key: points
    unit: points

  - {key: a/b,
     unit: points}
attributes:
  line: {"a~1/b": {type: text}}
"""


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("", 1),
        ("/version", 1),
        ("/program", 2),
        ("/program/name", 3),
        ("/program/currency", 2),
        ("/program/name/deeper", 3),
        ("/wallets", 4),
        ("/wallets/0", 5),
        ("/wallets/0/unit", 6),
        ("/wallets/1/key", 8),
        ("/wallets/1/unit", 9),
        ("/wallets/2/key", 4),
        ("/wallets/first", 4),
        ("/attributes/line/a~01~1b/type", 11),
        ("/nowhere", 1),
    ],
)
def test_a_pointer_leads_to_the_line_of_the_name_or_entry(pointer: str, line: int) -> None:
    assert Source(Path("shop.yaml"), YAML).find_line(pointer) == line


def test_json_has_lines_too() -> None:
    assert Source(Path("shop.json"), b'{\n  "program": {\n    "name": 4\n  }\n}').find_line("/program/name") == 3


@pytest.mark.parametrize("raw", [b"", b"\xff", b"# nothing"])
def test_what_is_no_document_has_no_lines(raw: bytes) -> None:
    assert Source(Path("shop.yaml"), raw).find_line("/program") is None


@pytest.mark.parametrize("raw", [b"\n? [a]\n: b\n", b"\na: [", b"\n&x a: *x", b"\n- " * 1_000, b"\n" + b"[" * 100_000])
def test_what_is_strange_has_the_lines_that_can_be_told(raw: bytes) -> None:
    assert Source(Path("shop.yaml"), raw).find_line("/program/name") == 2


@pytest.mark.parametrize(("name", "media_type"), [("a.json", "application/json"), ("a.yml", "application/yaml")])
def test_the_name_tells_json_from_yaml(name: str, media_type: str) -> None:
    assert Source(Path(name), b"").media_type == media_type
