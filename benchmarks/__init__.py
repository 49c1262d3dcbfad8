"""The speed bars of the design, each one command: ``python -m benchmarks P1``. The last line is ``P1 <ratio>``."""
