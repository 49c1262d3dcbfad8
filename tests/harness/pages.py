"""Pages of the documentation whose shell blocks are run by tests."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

from loyalty_engine.api.documents import read_yaml

Json = dict[str, Any]

ROOT: Final = Path(__file__).parents[2]


def read_blocks(page: str) -> list[str]:
    """Return the shell blocks of a page in docs/."""
    return re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def read_example(name: str) -> Any:  # noqa: ANN401 - a document
    """Return a document of examples/."""
    return read_yaml((ROOT / "examples" / name).read_bytes())


def run_block(block: str, **variables: str) -> list[Json]:
    """Run a block and return the JSON documents that it prints."""
    environment = {**os.environ, **variables}
    done = subprocess.run(["sh", "-euc", block], env=environment, capture_output=True, text=True, check=True, cwd=ROOT)
    text, decoder, found = done.stdout.lstrip(), json.JSONDecoder(), []
    while text:
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:].lstrip()
    return found
