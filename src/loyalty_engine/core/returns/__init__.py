"""Goods that come back: what is left of an order, what is paid back for the rest, and which points it then keeps."""
