"""The part that decides: pure functions over frozen data, without I/O, clock, randomness or framework.

Start reading at :mod:`loyalty_engine.core.engine.decide`.
"""
