"""The command line."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer
from typer.main import get_command

import gradcli
from gradcli.commandline import in_order, program_of, valued_options

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
    json = "json"


class Shell(StrEnum):
    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gradcli {gradcli.__version__}")
        raise typer.Exit


def _install_completion(shell: Shell | None) -> None:
    if shell is not None:
        from gradcli.completion import install

        try:
            written = install(shell)
        except OSError as problem:
            typer.echo(f"error: can't write {problem.filename}: {(problem.strerror or '').lower()}", err=True)
            raise typer.Exit(1) from None
        typer.echo(f"wrote {' and '.join(map(str, written))}: completion works in every {shell} started from now on")
        raise typer.Exit


def _show_completion(shell: Shell | None) -> None:
    if shell is not None:
        from gradcli.completion import SCRIPTS

        typer.echo(SCRIPTS[shell], nl=False)
        raise typer.Exit


@app.callback(invoke_without_command=True)
def bare(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
    install: Annotated[
        Shell | None,
        typer.Option(
            "--install-completion",
            callback=_install_completion,
            is_eager=True,
            help="Set up completion in a shell (yours, where none is named).",
        ),
    ] = None,
    show: Annotated[
        Shell | None,
        typer.Option(
            "--show-completion",
            callback=_show_completion,
            is_eager=True,
            help="Show what sets it up, to put it somewhere by hand.",
        ),
    ] = None,
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
    context: typer.Context,
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
            context.fail("Name a FILE, or give a text with -e.")
        programs = [("-", None)]
    if timeout is not None and not timeout > 0:
        raise typer.BadParameter(f"{timeout:g} is no number of seconds above 0.", param_hint="'--timeout'")
    from gradcli.errors import GradcliError
    from gradcli.evaluate import check_settings, evaluate
    from gradcli.limits import size_in_bytes

    for option, check, given in (("--set", check_settings, settings), ("--max-memory", size_in_bytes, max_memory)):
        try:
            if given is not None:
                check(given)
        except GradcliError as failure:
            raise typer.BadParameter(failure.message, param_hint=f"'{option}'") from None
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


def run(arguments: list[str]) -> int:
    """Runs a command line and gives its exit status."""
    if arguments[-1:] in (["--install-completion"], ["--show-completion"]):
        arguments = [*arguments, os.path.basename(os.environ.get("SHELL", ""))]
    command = get_command(app)
    try:
        command(args=in_order(arguments, valued_options(command.commands["eval"])), prog_name="gradcli")
    except SystemExit as end:
        return end.code
    return 0
