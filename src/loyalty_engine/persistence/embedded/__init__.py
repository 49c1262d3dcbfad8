"""A real PostgreSQL of our own: no set-up for the user, and gone when we are gone.

Who starts it gets a URL; that it is embedded is nobody else's business. Read `server` first, then `supervisor`.
"""

from loyalty_engine.persistence.embedded.errors import EmbeddedServerError
from loyalty_engine.persistence.embedded.server import EmbeddedServer, default_directory

__all__ = ["EmbeddedServer", "EmbeddedServerError", "default_directory"]
