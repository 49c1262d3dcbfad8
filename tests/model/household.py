"""The members of a naive program, and who stands for whom."""

from datetime import datetime

from tests.model.calendar import days_after
from tests.model.purchases import Rules
from tests.model.purse import Purse


class Household:
    """Members by name, and the clock that they go by."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        self.rules = rules
        self.now = now
        self.purses: dict[str, Purse] = {}

    def enrol(self, name: str) -> None:
        """Add a member."""
        self.purses[name] = Purse(name, self.rules.lives, self.now)

    def look(self, name: str) -> Purse:
        """Return a member's points as they are now. Only on a copy: nothing happens by looking."""
        purse = self._purse(name)
        purse.pass_time(self.now)
        return purse

    def _open(self, *purses: Purse | None) -> None:
        """Let time pass for all that an act touches; they are booked at one moment, the latest that any of them knows."""
        touched = [purse for purse in purses if purse is not None]
        at = max([self.now, *(purse.booked for purse in touched)])
        for purse in touched:
            purse.pass_time(at)

    def _purse(self, name: str) -> Purse:
        """Return the member of that name, or who stands for it."""
        purse = self.purses[name]
        while purse.merged_into is not None:
            purse = purse.merged_into
        return purse

    def _grace(self, purse: Purse) -> datetime | None:
        return None if self.rules.grace_days is None else days_after(purse.now, self.rules.grace_days)

    @staticmethod
    def _join_slides(purse: Purse, wallet: str, sender: Purse) -> None:
        """Let points that come last as long as those of whoever had more activity; what has passed says nothing."""
        both = [
            who.slides[wallet] for who in (purse, sender) if wallet in who.slides and who.slides[wallet] > purse.now
        ]
        purse.slides.pop(wallet, None)
        if both:
            purse.slides[wallet] = max(both)
