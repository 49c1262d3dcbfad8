"""Named tuples, made quickly."""

from typing import Final

new: Final = tuple.__new__
"""Makes a named tuple from a tuple in half the time that calling it takes. For what runs once per rule and order."""
