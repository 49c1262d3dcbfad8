"""The ledger check as it is shown."""

from typing import Self

from pydantic import Field

from loyalty_engine.api.schemas.fields import Answer
from loyalty_engine.persistence.ledger_check import Finding, Report


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
