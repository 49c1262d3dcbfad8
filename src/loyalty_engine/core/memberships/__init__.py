"""Memberships that members pay for: how long they go on, and what is given back."""
