"""Earning rules: what an order gives in points and money, and why."""
