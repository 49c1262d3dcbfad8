"""An API process as the service starts it, but with a clock that tests move, or with a fault that they plant.

``python -m tests.harness.staged …``; TEST_CLOCK names the clock's file, TEST_FAULT the fault.
"""

import os
from functools import partial
from pathlib import Path

from loyalty_engine.bootstrap import build_application
from loyalty_engine.cli.process import main
from tests.harness.clocks import StagedClock
from tests.harness.faults import FAULTS

if __name__ == "__main__":
    fault, clock = os.environ.get("TEST_FAULT"), os.environ.get("TEST_CLOCK")
    if fault is not None:
        FAULTS[fault]()
    main(partial(build_application, clock=StagedClock(Path(clock))) if clock is not None else build_application)
