"""``loyalty demo``: a supermarket's receipts of a year, replayed over HTTP, shown, and checked against the ledger.

``columns`` reads the data, ``receipts`` makes requests of it, ``stage`` finds or starts a server, ``calls`` speaks to
it, ``tills`` drives it, ``play`` puts one run together; ``departments``, ``proof``, ``export`` and ``screen`` tell what
came of it. ``command`` is the command itself.
"""
