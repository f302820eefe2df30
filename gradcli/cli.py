"""The command line."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

import gradcli
from gradcli.commandline import in_order, program_of

app = typer.Typer(
    name="gradcli",
    help="A gradient calculator for the shell: values, gradients and the graph between them.",
    add_completion=True,
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
    json = "json"


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
    expressions: Annotated[
        list[str] | None,
        typer.Option("-e", metavar="TEXT", help="A script as text; repeatable, in order with the files."),
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How results are shown.")] = Format.auto,
    precision: Annotated[int, typer.Option(min=0, max=17, help="Digits after the point.")] = 4,
    dtype: Annotated[DefaultDtype, typer.Option(help="The dtype of tensors made from numbers.")] = DefaultDtype.float64,
    seed: Annotated[int | None, typer.Option(help="Start of the random generator.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Give a name a value first; repeatable.")
    ] = None,
    tracking: Annotated[
        Tracking | None, typer.Option(help="auto: names of numbers are tracked; explicit: what requires_grad marks.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only what print writes, and errors.")] = False,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="Stop after so many seconds.")] = None,
    max_memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Stop beyond so much memory: 500M, 2GB.")
    ] = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Let scripts read and write no files.")] = False,
) -> None:
    """Evaluates files and texts in order, in one session."""
    programs = [program_of(given, number) for number, given in enumerate(files or [], 1)]
    programs += [("<text>", text) for text in expressions or []]
    if not programs:
        if sys.stdin is None or sys.stdin.isatty():
            raise typer.BadParameter("name a FILE, or give a text with -e")
        programs = [("-", None)]
    if timeout is not None and not timeout > 0:
        raise typer.BadParameter("--timeout wants a number of seconds above 0")
    from gradcli.errors import GradcliError
    from gradcli.evaluate import checked, evaluate

    try:
        checked(settings, max_memory)
    except GradcliError as failure:
        raise typer.BadParameter(failure.message) from None
    status = evaluate(
        programs,
        format="plain" if format is Format.auto else format.value,
        precision=precision,
        dtype=dtype.value,
        seed=seed,
        tracking=None if tracking is None else tracking.value,
        settings=settings,
        quiet=quiet,
        timeout=timeout,
        max_memory=max_memory,
        sandbox=sandbox,
    )
    raise typer.Exit(status)


def main() -> None:
    """Runs the command line of this process."""
    app(args=in_order(sys.argv[1:]))
