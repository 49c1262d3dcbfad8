"""What can go wrong between us and PostgreSQL, as few kinds as callers need to tell apart."""


class UnavailableError(Exception):
    """The database cannot answer now, or left the outcome open: ask again with the same key.

    ``retry_after_seconds`` is a hint for the caller.
    """

    retry_after_seconds = 1


class SchemaError(Exception):
    """The database is not one we can work with: too old, not migrated, or migrated by a newer release."""
