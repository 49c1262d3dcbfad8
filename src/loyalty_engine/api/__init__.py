"""The part that speaks: HTTP routes, schemas, problems, authentication."""
