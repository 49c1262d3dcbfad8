"""A program document as a file, and the line in it that a fault speaks of."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

from loyalty_engine.core.program.faults import json_pointer
from loyalty_engine.core.program.reading import MAX_NESTING

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Source:
    """The file as it was read once: what is planned is what is published."""

    path: Path
    raw: bytes

    @classmethod
    def read(cls, path: Path) -> "Source":
        """Read the file; raises ``OSError``."""
        return cls(path, path.read_bytes())

    @property
    def media_type(self) -> str:
        """What the file is, by its name: JSON when that says so, else YAML."""
        return "application/json" if self.path.suffix == ".json" else "application/yaml"

    def find_line(self, pointer: str) -> int | None:
        """Return the line where a JSON pointer leads, or as far on its way as the file goes; None in no document."""
        while pointer and pointer not in self._lines:
            pointer = pointer.rpartition("/")[0]
        return self._lines.get(pointer)

    @cached_property
    def _lines(self) -> Mapping[str, int]:
        """The lines by pointer, as far as the file can be read. JSON is read as YAML, which is good enough here."""
        lines: dict[str, int] = {}
        with suppress(UnicodeDecodeError, yaml.YAMLError):
            for pointer, line in _find_lines(yaml.parse(self.raw.decode("utf-8-sig"), Loader=_LOADER)):
                lines.setdefault(pointer, line)
        return lines


class _Open:
    """A list or object that is being read, and the step to its next value: None while a name is awaited."""

    __slots__ = ("pointer", "step")

    def __init__(self, pointer: str, step: int | None) -> None:
        self.pointer = pointer
        self.step: str | int | None = step

    def take_step(self) -> str:
        """Return the pointer of the value that comes now."""
        assert self.step is not None
        pointer = self.pointer + json_pointer([self.step])
        self.step = self.step + 1 if isinstance(self.step, int) else None
        return pointer


def _find_lines(events: Iterator[Any]) -> Iterator[tuple[str, int]]:
    """Yield the pointer and line of each value; a field begins where its name stands.

    Ends at what no document has: names that are no texts, and values deeper than any may lie.
    """
    around: list[_Open] = []
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            around.pop()
        if not isinstance(event, yaml.NodeEvent):
            continue
        assert event.start_mark is not None
        line = event.start_mark.line + 1
        if around and around[-1].step is None:
            if not isinstance(event, yaml.ScalarEvent):
                return
            around[-1].step = event.value
            yield around[-1].pointer + json_pointer([event.value]), line
            continue
        pointer = around[-1].take_step() if around else ""
        yield pointer, line
        if isinstance(event, yaml.CollectionStartEvent):
            around.append(_Open(pointer, 0 if isinstance(event, yaml.SequenceStartEvent) else None))
        if len(around) > MAX_NESTING:
            return
