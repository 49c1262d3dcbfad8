"""Promotions: what a cart gets off or on top. ``cart.py`` is what they take from, ``effects.py`` what each would take,
``evaluation.py`` which of them do.
"""
