"""The process between ours and PostgreSQL: starts it, starts it again after a crash, and ends it when we are gone.

Run as a script by `server`. It learns of our end twice over: its standard input, a pipe from us, is closed, and its
parent changes. PostgreSQL in turn learns of its end by the parent-death signal (Linux). So after a `kill -9` of us or
of it nothing is left running. It needs nothing but the standard library, loaded before root is given up, because the
account it becomes may not be able to read our virtual environment.

Standard output says "ready" once; standard error is PostgreSQL's log.
"""

import collections
import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypedDict

LIFELINE: Final = 0
STATUS: Final = 1
LOG: Final = 2
PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36
SILENCE_SECONDS: Final = 60.0
FIRST_DELAY_SECONDS: Final = 0.1
LONGEST_DELAY_SECONDS: Final = 15.0  # so that a disk with room again is soon noticed, within the starts allowed
ORPHAN_SECONDS: Final = 1.0
# Fast shutdown loses nothing and leaves a checkpoint; immediate and kill lose nothing either, but cost a recovery.
LAST_WORDS: Final = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


class Order(TypedDict):
    """What `server` wants: whose child we are, whom to become, what to run, and what to clear away at the end."""

    parent: int
    uid: int | None
    gid: int | None
    command: list[str]
    pid_file: str
    restarts_per_minute: int
    litter: str | None


class Supervisor:
    """Keeps one PostgreSQL running for as long as its own parent lives."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._postmaster: int | None = None
        self._childless = True
        self._released = False
        self._delay_seconds = FIRST_DELAY_SECONDS
        self._starts: collections.deque[float] = collections.deque(maxlen=order["restarts_per_minute"])
        self._woken, wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def run(self) -> int:
        """Serves until the parent is gone. Returns the exit status: 1 when the first start failed, else 0."""
        self._launch()
        came_up = self._comes_up()
        if came_up:
            with contextlib.suppress(OSError):  # our parent may be gone already; we shall notice
                os.write(STATUS, b"ready\n")
            while self._until(lambda: self._postmaster is None, float("inf")) and self._pause():
                self._launch()
        self._end()
        return 0 if came_up else 1

    def _launch(self) -> None:
        self._starts.append(time.monotonic())
        self._childless = False
        me = os.getpid()
        with contextlib.suppress(OSError):  # no process to be had counts as a failed start
            self._postmaster = os.fork()  # we have one thread, so the child may run Python
        if self._postmaster == 0:
            try:
                become_postgres(self._order["command"], supervisor=me)
            finally:
                os._exit(127)

    def _comes_up(self) -> bool:
        """Waits until connections are accepted: False when it died or wrote nothing to its log for a minute.

        A recovery may take minutes and says so every 10 seconds; to give up on it would only make it start again.
        """
        size, deadline = -1, 0.0
        while self._postmaster is not None and not self._released:
            if self._is_ready(self._postmaster):
                return True
            grown = os.fstat(LOG).st_size
            if grown != size:
                size, deadline = grown, time.monotonic() + SILENCE_SECONDS
            elif time.monotonic() > deadline:
                return False
            self._wait(0.01)
        return False

    def _is_ready(self, pid: int) -> bool:
        # The file's first line is the pid and its last the state, rewritten by the postmaster at each change.
        try:
            lines = Path(self._order["pid_file"]).read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return False
        return lines[0] == str(pid) and lines[-2:-1] == ["ready   "]

    def _pause(self) -> bool:
        """Waits before the next start; False when there shall be none.

        At once after a crash, ever longer while starts fail (a full disk), never more often than ordered, and never
        giving up: once the disk has room again, the server comes back without anybody's help.
        """
        self._bury_orphans()
        delay = self._delay_seconds
        if len(self._starts) == self._starts.maxlen:
            delay = max(delay, self._starts[0] + 60 - time.monotonic())
        with contextlib.suppress(OSError):  # the disk may be full
            os.write(LOG, f"supervisor: PostgreSQL ended by itself; next start in {delay:.1f} s\n".encode())
        return not self._until(lambda: self._released, delay)

    def _bury_orphans(self) -> None:
        """Ends what a killed postmaster left behind: a busy backend would keep its shared memory and so the next
        start from succeeding. We are the subreaper, so these are our children and cannot be anybody else's.
        """
        if not self._until(lambda: self._childless, ORPHAN_SECONDS):
            for pid in children_of(os.getpid()):
                os.kill(pid, signal.SIGKILL)
            self._until(lambda: self._childless, ORPHAN_SECONDS)

    def _end(self) -> None:
        for number, patience_seconds in LAST_WORDS:
            if self._postmaster is None:
                break
            os.kill(self._postmaster, number)
            self._until(lambda: self._postmaster is None, patience_seconds)
        self._bury_orphans()
        if self._order["litter"] is not None:
            remove_directory(Path(self._order["litter"]))

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Waits for the condition, at most this long and, while the server shall run, not beyond our parent's end."""
        was_released, deadline = self._released, time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0 or self._released != was_released:
                return False
            self._wait(min(left, 1.0))
        return True

    def _wait(self, seconds: float) -> None:
        """Sleeps until a child ends, our parent is gone, or the time is over."""
        heard = [self._woken] if self._released else [self._woken, LIFELINE]
        readable, _, _ = select.select(heard, [], [], seconds)
        if LIFELINE in readable and not os.read(LIFELINE, 1024):
            self._released = True
        if self._woken in readable:
            os.read(self._woken, 1024)
        # The pipe stays open when our parent forked before it died; the second sign does not.
        self._released = self._released or os.getppid() != self._order["parent"]
        self._reap()

    def _reap(self) -> None:
        while not self._childless:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._childless = True
                return
            if pid == 0:
                return
            if pid == self._postmaster:
                longer = min(self._delay_seconds * 10, LONGEST_DELAY_SECONDS)
                # A crash leaves the file as it was.
                self._delay_seconds = FIRST_DELAY_SECONDS if self._is_ready(pid) else longer
                self._postmaster = None


def become_postgres(command: list[str], *, supervisor: int) -> None:
    """Turns this freshly forked process into PostgreSQL, which dies with the supervisor. Returns only on failure."""
    # Now and not earlier: a change of uid clears the signal. Fast shutdown, as if we had asked for it.
    control_process(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != supervisor:
        return  # it died before the signal was set
    os.dup2(os.open(os.devnull, os.O_RDONLY), LIFELINE)
    os.dup2(LOG, STATUS)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # ignored by Python, and that would be inherited
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(command[0], command)  # noqa: S606 - there is no shell on purpose
    except OSError as error:
        os.write(LOG, f"FATAL:  {error}\n".encode())


def control_process(option: int, value: int) -> None:
    """Calls prctl, which only Linux has. Elsewhere the pipe alone watches over our end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def children_of(parent: int) -> list[int]:
    """The ids of the processes whose parent is this one (Linux; elsewhere none)."""
    children = []
    processes = Path("/proc").iterdir() if sys.platform == "linux" else ()
    for process in processes:
        with contextlib.suppress(OSError):  # it ended meanwhile, or it is not a process
            after_name = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
            if process.name.isdigit() and int(after_name.split()[1]) == parent:
                children.append(int(process.name))
    return children


def remove_directory(path: Path) -> None:
    """Removes a directory of files; that it is gone already, or holds more, is nobody's worry at our end."""
    with contextlib.suppress(OSError):
        for file in path.iterdir():
            file.unlink()
        path.rmdir()


def main() -> int:
    """Carries out the order given as the only argument."""
    order: Order = json.loads(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        # Only our parent's end ends us: a signal to its whole group must not take the database from under it.
        signal.signal(number, lambda *_: None)
    if order["uid"] is not None and order["gid"] is not None:
        os.setgroups([])
        os.setgid(order["gid"])
        os.setuid(order["uid"])
    control_process(PR_SET_CHILD_SUBREAPER, 1)
    return Supervisor(order).run()


if __name__ == "__main__":
    sys.exit(main())
