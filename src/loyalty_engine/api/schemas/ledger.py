"""The ledger check as it is shown."""

from datetime import date, timedelta
from typing import Final, Self

from pydantic import Field

from loyalty_engine.api.pagination import Query
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.schemas.fields import Answer, DayField
from loyalty_engine.persistence.ledger_check import Finding, Report
from loyalty_engine.persistence.posting_days import DaySum

_MONTH: Final = timedelta(days=31)
_MOST: Final = timedelta(days=366)


class FindingAnswer(Answer):
    """What one invariant's check found."""

    name: str = Field(description="Name of the invariant.", examples=["balances_equal_postings"])
    promise: str = Field(description="What it promises.", examples=["Each balance is the sum of its postings."])
    offences: int = Field(description="How many rows break it.", examples=[0])
    examples: list[dict[str, str]] = Field(
        description="Up to 20 of them, ids only.", examples=[[{"member_id": "mem_01m8054496erxvcc6weqy7k3j5"}]]
    )

    @classmethod
    def of(cls, finding: Finding) -> Self:
        """Show a finding."""
        return cls(
            name=finding.name,
            promise=finding.promise,
            offences=finding.offences,
            examples=[dict(example) for example in finding.examples],
        )


class OutstandingAnswer(Answer):
    """What members hold in one wallet."""

    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    points: int = Field(description="Available, pending and held, over all members.", examples=[125000])
    debt: int = Field(description="Owed, over all members.", examples=[40])


class LedgerReport(Answer):
    """The proof that the ledger adds up, or what does not."""

    is_sound: bool = Field(description="Whether every check passed.", examples=[True])
    checks: list[FindingAnswer] = Field(description="One entry per invariant.", examples=[[]])
    members: int = Field(description="Members.", examples=[1200])
    operations: int = Field(description="Operations.", examples=[45000])
    postings: int = Field(description="Postings.", examples=[43000])
    outstanding: list[OutstandingAnswer] = Field(
        description="Points outstanding per wallet.", examples=[[{"wallet": "points", "points": 125000, "debt": 40}]]
    )

    @classmethod
    def of(cls, report: Report) -> Self:
        """Show a report."""
        return cls(
            is_sound=report.is_sound,
            checks=[FindingAnswer.of(finding) for finding in report.findings],
            members=report.totals.members,
            operations=report.totals.operations,
            postings=report.totals.postings,
            outstanding=[
                OutstandingAnswer(wallet=sum_.wallet, points=sum_.points, debt=sum_.debt)
                for sum_ in report.totals.outstanding
            ],
        )


class DaysQuery(Query):
    """Which days are wanted."""

    start: DayField | None = Field(
        default=None,
        alias="from",
        description="The first day (UTC); 31 before the end by default.",
        examples=["2026-11-01"],
    )
    end: DayField | None = Field(
        default=None, alias="to", description="The day after the last; today by default.", examples=["2026-12-01"]
    )

    def days(self, today: date) -> tuple[date, date]:
        """Return the first day and the one after the last; raise :class:`ProblemError` when they are too far apart."""
        end = self.end or today
        start = self.start or end - _MONTH
        if not timedelta() <= end - start <= _MOST:
            raise ProblemError("validation_failed", errors=[Fault("to", "range", "must be 0 to 366 days behind from")])
        return start, end


class DayAnswer(Answer):
    """What went from one account to another on a day, in one wallet."""

    day: str = Field(description="The day (UTC) on which it was booked.", examples=["2026-11-21"])
    wallet: str = Field(description="The wallet.", examples=["points"])
    source: str = Field(description="The account that gave.", examples=["issued"])
    destination: str = Field(description="The account that got.", examples=["available"])
    postings: int = Field(description="In how many postings.", examples=[1200])
    points: int = Field(description="How much.", examples=[48210])

    @classmethod
    def of(cls, moved: DaySum) -> Self:
        """Show a day's sum."""
        return cls(
            day=moved.day.isoformat(),
            wallet=moved.wallet,
            source=moved.source,
            destination=moved.destination,
            postings=moved.postings,
            points=moved.amount,
        )


class DaysAnswer(Answer):
    """What days moved that are over and summed up: yesterday is, from an hour after midnight on."""

    items: list[DayAnswer] = Field(description="By day, wallet and accounts.", examples=[[]])
