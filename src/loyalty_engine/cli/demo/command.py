"""The command ``loyalty demo``."""

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from loyalty_engine.assets import asset_path
from loyalty_engine.cli.demo.columns import PackageTables, Tables
from loyalty_engine.cli.failures import FailureError, one_line, read_settings
from loyalty_engine.cli.logs import configure_logging
from loyalty_engine.settings import Settings

if TYPE_CHECKING:  # slow to import or part of the extra: only when the command runs
    from loyalty_engine.cli.demo.calls import Place
    from loyalty_engine.cli.demo.play import Played, Run
    from loyalty_engine.cli.demo.screen import DemoScreen
    from loyalty_engine.core.program.document import Program

_NAME: Final = re.compile("[a-z][a-z0-9_]{0,30}")
_DEFAULT: Final = "examples/supermarket_demo.yaml"


def demo(
    *,
    receipts: Annotated[int, typer.Option(min=1, help="Replay so many, from the first on.")] = 5000,
    everything: Annotated[bool, typer.Option("--all", help="Replay the whole year: 155,848 receipts.")] = False,
    program: Annotated[
        Path | None, typer.Option(help=f"Program document, YAML or JSON; {_DEFAULT} by default.")
    ] = None,
    tills: Annotated[int, typer.Option(min=1, max=256, help="How many tills send at once.")] = 16,
    shuffle: Annotated[int | None, typer.Option(help="Send in another order, the same for the same seed.")] = None,
    name: Annotated[str, typer.Option(help="Another name begins anew, with an empty program.")] = "demo",
    export: Annotated[Path | None, typer.Option(help="Write what each household has to this file, as CSV.")] = None,
    url: Annotated[
        str | None, typer.Option(help="Address of a server that runs already, instead of one of the demo's own.")
    ] = None,
) -> None:
    """Replay a supermarket's receipts of a year over HTTP, show what was earned, and check it.

    Starts a server and a database of its own, which keep what was replayed. With --url it plays on a server that runs
    already, in the program that the admin key in LOYALTY_API_KEY belongs to, as its document is.
    """
    settings = read_settings()
    configure_logging(settings.log_level if "log_level" in settings.model_fields_set else "warning")
    tables = PackageTables()
    if _NAME.fullmatch(name) is None:
        raise FailureError("--name takes a to z first, then a to z, 0 to 9 and _, at most 31 characters")
    if export is not None and (export.is_dir() or not export.absolute().parent.is_dir()):
        raise FailureError(f"--export needs a file in a directory that exists, and {export} is none")
    # From here on the extra is needed.
    from loyalty_engine.cli.demo.play import Run, play
    from loyalty_engine.cli.demo.screen import DemoScreen
    from loyalty_engine.cli.demo.stage import play_on_own_stage
    from loyalty_engine.cli.documents import read_program_file

    screen = DemoScreen(Console(highlight=False, soft_wrap=True))
    run = Run(tables, None if everything else receipts, tills, shuffle, screen)
    default = read_program_file(asset_path(_DEFAULT))
    if url is None:
        own = read_program_file(program) if program else default
        played = play_on_own_stage(settings, name, own, lambda office, tills: play(office, tills, run))
    else:
        there = _place_of(url, settings, program)
        played = asyncio.run(play(there, there, run))
    is_right = _tell(played, run, default, screen)
    if export is not None:
        _export(export, played)
        screen.say(f"Wrote {export}.")
    if not is_right:
        raise typer.Exit(1)


def _place_of(url: str, settings: Settings, program: Path | None) -> "Place":
    from loyalty_engine.cli.demo.calls import Place

    if program is not None:
        raise FailureError(
            f"--program is for the demo's own server; with --url run `loyalty apply {program} --url …` first"
        )
    if settings.api_key is None:
        raise FailureError("LOYALTY_API_KEY is not set; --url needs an admin key of the program to play in")
    return Place(url.rstrip("/").removesuffix("/v1"), settings.api_key.get_secret_value())


def _tell(played: "Played", run: "Run", default: "Program", screen: "DemoScreen") -> bool:
    """Show everything; return whether the ledger adds up and agrees with the computation of our own."""
    from loyalty_engine.cli.demo.departments import sum_departments

    screen.show_replay(played, run.tills)
    screen.show_departments(played, sum_departments(played))
    screen.show_members(played)
    screen.show_ledger(played)
    if played.program != default:
        screen.say("For this program nothing is computed apart from the engine: compare with --export.")
        return not played.after.broken
    return _prove(played, run.tables, screen) and not played.after.broken


def _prove(played: "Played", tables: Tables, screen: "DemoScreen") -> bool:
    from loyalty_engine.cli.demo.proof import compare, expect_points

    expected = expect_points(tables.read_rows(), played.products, {receipt.number for receipt in played.receipts})
    credited = compare(expected, played.credited)
    screen.show_proof(played.program, "were credited", credited)
    if played.holds_others:
        screen.say("Their balances are more than that: the program also holds what this run did not send.")
        return not credited.wrong
    held = compare(expected, played.balances)
    screen.show_proof(played.program, "have in the ledger", held)
    return not credited.wrong and not held.wrong


def _export(path: Path, played: "Played") -> None:
    from loyalty_engine.cli.demo.export import export

    with one_line():
        export(path, [wallet.key for wallet in played.program.wallets], played.members, played.balances)
