"""Tiers: where a member stands on a ladder, since when and until when."""
