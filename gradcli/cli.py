"""The command line."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

import gradcli

app = typer.Typer(
    name="gradcli",
    help="A gradient calculator for the shell: values, gradients and the graph between them.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Tracking(StrEnum):
    auto = "auto"
    explicit = "explicit"


class DefaultDtype(StrEnum):
    float64 = "float64"
    float32 = "float32"


class Format(StrEnum):
    auto = "auto"
    plain = "plain"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gradcli {gradcli.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def bare(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """A gradient calculator for the shell: values, gradients and the graph between them.

    Without a command, evaluates what is piped in.
    """
    if context.invoked_subcommand is None:
        if sys.stdin is None or sys.stdin.isatty():
            typer.echo(context.get_help())
            raise typer.Exit
        from gradcli.evaluate import evaluate

        raise typer.Exit(evaluate([("-", None)]))


@app.command("eval")
def eval_command(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE|-]...", help="Scripts; - is standard input.")
    ] = None,
    expressions: Annotated[list[str] | None, typer.Option("-e", metavar="TEXT", help="A script as text.")] = None,
    format: Annotated[Format, typer.Option("--format", help="How results are shown.")] = Format.auto,
    precision: Annotated[int, typer.Option(min=0, max=17, help="Digits after the point.")] = 4,
    dtype: Annotated[DefaultDtype, typer.Option(help="The dtype of tensors made from numbers.")] = DefaultDtype.float64,
    seed: Annotated[int | None, typer.Option(help="Start of the random generator.")] = None,
    tracking: Annotated[
        Tracking | None, typer.Option(help="auto: names of numbers are tracked; explicit: what requires_grad marks.")
    ] = None,
) -> None:
    """Evaluates scripts in order, in one session."""
    programs: list[tuple[str, str | None]] = [(file, None) for file in files or []]
    programs += [("<text>", text) for text in expressions or []]
    if not programs:
        if sys.stdin is None or sys.stdin.isatty():
            raise typer.BadParameter("name a FILE, or give a text with -e")
        programs = [("-", None)]
    from gradcli.evaluate import evaluate

    status = evaluate(
        programs,
        precision=precision,
        dtype=dtype.value,
        seed=seed,
        tracking=None if tracking is None else tracking.value,
    )
    raise typer.Exit(status)
