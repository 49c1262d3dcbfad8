"""``python -m loyalty_engine.cli`` is ``loyalty``."""

from loyalty_engine.cli import main

main()
