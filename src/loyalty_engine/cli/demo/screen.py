"""What the demo shows: bars while it works, then what was replayed, who earned where, and what the ledger says."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from loyalty_engine.application.world import read_world
from loyalty_engine.cli.demo.departments import Department
from loyalty_engine.cli.demo.play import Played
from loyalty_engine.cli.demo.proof import Comparison
from loyalty_engine.cli.demo.receipts import DEPARTMENT, Form
from loyalty_engine.cli.demo.tills import Advance
from loyalty_engine.core.program.document import Program

_SHOWN_DEPARTMENTS: Final = 12
_SHOWN_MEMBERS: Final = 10
_SHOWN_HOUSEHOLDS: Final = 5
_MILLISECONDS: Final = 1000
_CURRENCY: Final = "USD"


class DemoScreen:
    """Prints to a console; figures in a wallet or a currency are shown as people write them."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Advance]:
        """Show a bar of so many pieces while the context is open."""
        columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        rate = TaskProgressColumn(show_speed=True)
        with Progress(*columns, rate, console=self._console) as progress:
            task = progress.add_task(what, total=total)
            yield lambda: progress.advance(task)

    def show_replay(self, played: Played, tills: int) -> None:
        """Say what was replayed, how fast, and how much of it was known."""
        receipts, replay, program = played.receipts, played.replay, played.program
        lines = sum(receipt.lines for receipt in receipts)
        amount = sum(receipt.amount for receipt in receipts)
        days = sorted(receipt.day for receipt in receipts)
        self._console.print(
            f"\n[bold]{program.program.name}[/bold], revision {played.revision}: {len(receipts):,} receipts from "
            f"{days[0]} to {days[-1]}, {lines:,} lines, {len(played.members):,} households, "
            f"{_money(program, amount)}"
        )
        self._console.print(
            f"{tills} tills, {replay.seconds:.1f} s: [bold]{replay.per_second:,.0f} receipts/s[/bold], "
            f"p50 {replay.p50 * _MILLISECONDS:.0f} ms, p99 {replay.p99 * _MILLISECONDS:.0f} ms"
        )
        self._console.print(_known(played))
        form = Form.of(program)
        if form.currency != _CURRENCY:
            self._console.print(
                f"The program counts in {form.currency}: each cent of the data is one minor unit of it."
            )
        if not form.has_department:
            self._console.print(f"The program declares no line attribute {DEPARTMENT}: its rules do not see it.")

    def show_departments(self, played: Played, departments: Mapping[str, Department]) -> None:
        """Show where the points were earned, the richest department first."""
        wallets = _wallets(played.program)
        table = _table("Points by department", ["department"], ["lines", *_headings(played.program, "sales")])
        ranked = sorted(departments.items(), key=lambda item: _rank(item[1].earned, wallets, item[1].amount))
        rest = Department()
        for _, department in ranked[_SHOWN_DEPARTMENTS:]:
            _add(rest, department)
        shown = [
            *ranked[:_SHOWN_DEPARTMENTS],
            *([(f"{len(ranked) - _SHOWN_DEPARTMENTS} others", rest)] if rest.lines else []),
        ]
        for name, department in shown:
            table.add_row(
                name,
                f"{department.lines:,}",
                *_figures(played.program, department.amount, department.earned),
            )
        self._console.print(table, soft_wrap=False)

    def show_members(self, played: Played) -> None:
        """Show who has most, with what they bought in this run."""
        wallets = _wallets(played.program)
        counts = Counter(receipt.household for receipt in played.receipts)
        spent: Counter[int] = Counter()
        for receipt in played.receipts:
            spent[receipt.household] += receipt.amount
        table = _table("Top members", ["household", "member"], ["receipts", *_headings(played.program, "spent")])
        ranked = sorted(played.balances, key=lambda one: (*_rank(played.balances[one], wallets, spent[one]), one))
        for household in ranked[:_SHOWN_MEMBERS]:
            table.add_row(
                str(household),
                played.members[household],
                f"{counts[household]:,}",
                *_figures(played.program, spent[household], played.balances[household]),
            )
        self._console.print(table, soft_wrap=False)

    def show_ledger(self, played: Played) -> None:
        """Say whether the ledger adds up, and what it holds."""
        after = played.after
        for promise in after.broken:
            self._console.print(f"[bold red]The ledger is broken:[/bold red] {promise}")
        if not after.broken:
            self._console.print(f"\n[bold green]The ledger is sound[/bold green]: all {after.checks} checks passed.")
        held = [f"{_amount(played.program, wallet, points)} {wallet}" for wallet, points in after.outstanding.items()]
        self._console.print(
            f"It holds {after.members:,} members, {after.operations:,} operations and {after.postings:,} postings; "
            f"outstanding: {', '.join(held) or 'nothing'}."
        )

    def show_proof(self, program: Program, what: str, comparison: Comparison) -> None:
        """Say how many households have what was computed without the engine."""
        agreeing = comparison.households - len(comparison.wrong)
        totals = ", ".join(
            f"{_amount(program, wallet, points)} {wallet}" for wallet, points in comparison.totals.items()
        )
        style = "bold red" if comparison.wrong else "bold green"
        self._console.print(
            f"[{style}]{agreeing:,} of {comparison.households:,}[/{style}] households {what} "
            f"what a computation without the engine gives ({totals})."
        )
        if comparison.wrong:
            named = ", ".join(str(household) for household in comparison.wrong[:_SHOWN_HOUSEHOLDS])
            self._console.print(f"Others: {named}{' …' if len(comparison.wrong) > _SHOWN_HOUSEHOLDS else ''}")

    def say(self, text: str) -> None:
        """Print a sentence."""
        self._console.print(text)


def _known(played: Played) -> str:
    repeated, count = played.replay.repeated, len(played.receipts)
    if played.changed_nothing:
        return "[bold]All of them were known: nothing was credited again, and the ledger is as it was before.[/bold]"
    if repeated:
        return f"{count - repeated:,} of them were new; {repeated:,} were known and credited nothing again."
    return "All of them were new."


def _table(title: str, names: Sequence[str], figures: Sequence[str]) -> Table:
    columns = [*(Column(name, no_wrap=True) for name in names), *(Column(name, justify="right") for name in figures)]
    return Table(*columns, title=f"\n[bold]{title}[/bold]", title_justify="left", box=None, pad_edge=False)


def _headings(program: Program, amount: str) -> list[str]:
    """Name an amount and all wallets, with the currency of those that are money."""
    currency = program.program.currency
    wallets = [f"{wallet.key} {currency}" if wallet.unit == "money" else wallet.key for wallet in program.wallets]
    return [f"{amount} {currency}", *wallets]


def _figures(program: Program, amount: int, wallets: Mapping[str, int]) -> list[str]:
    """Show what stands below the headings."""
    money = program.program.currency
    units = [(wallets.get(wallet.key, 0), wallet.unit == "money") for wallet in program.wallets]
    return [_decimal(money, amount), *(_decimal(money, held) if is_money else f"{held:,}" for held, is_money in units)]


def _wallets(program: Program) -> list[str]:
    return [wallet.key for wallet in program.wallets]


def _rank(amounts: Mapping[str, int], wallets: Sequence[str], last: int) -> tuple[int, ...]:
    return (*(-amounts.get(wallet, 0) for wallet in wallets), -last)


def _add(total: Department, department: Department) -> None:
    total.lines += department.lines
    total.amount += department.amount
    total.earned.update(department.earned)


def _amount(program: Program, wallet: str, amount: int) -> str:
    units = {wallet.key: wallet.unit for wallet in program.wallets}
    return _money(program, amount) if units.get(wallet) == "money" else f"{amount:,}"


def _money(program: Program, amount: int) -> str:
    return f"{_decimal(program.program.currency, amount)} {program.program.currency}"


def _decimal(currency: str, amount: int) -> str:
    digits = read_world().currencies[currency]
    whole, part = divmod(abs(amount), 10**digits)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole:,}{f'.{part:0{digits}}' if digits else ''}"
