"""The command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any

import typer
from typer.main import get_command

import gradcli
from gradcli.commandline import in_order, program_of, valued_options
from gradcli.filesystem import unwritten

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
    rich = "rich"
    json = "json"


class Color(StrEnum):
    auto = "auto"
    always = "always"
    never = "never"


class Nan(StrEnum):
    warn = "warn"
    error = "error"
    ignore = "ignore"


class Listing(StrEnum):
    auto = "auto"
    plain = "plain"
    rich = "rich"
    json = "json"
    markdown = "markdown"


class Picture(StrEnum):
    auto = "auto"
    plain = "plain"
    rich = "rich"
    dot = "dot"
    mermaid = "mermaid"
    svg = "svg"
    json = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="How results are shown; auto is rich on a terminal.")]
ColorOption = Annotated[Color, typer.Option("--color", help="Whether output has colours.")]
SettingsOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Give a name a value first; repeatable.")
]
DtypeOption = Annotated[DefaultDtype, typer.Option(help="The dtype of tensors made from numbers.")]
SeedOption = Annotated[int | None, typer.Option(help="Start of the random generator.")]
TrackingOption = Annotated[
    Tracking | None, typer.Option(help="auto: names of numbers are tracked; explicit: what requires_grad marks.")
]
ScriptArgument = Annotated[str, typer.Argument(metavar="FILE|-", help="The script; - is standard input.")]
NameArgument = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="A name of it; its last differentiable value where none is given."),
]


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

    Without a command, a REPL on a terminal; else evaluates what is piped in.
    """
    if context.invoked_subcommand is None:
        from gradcli.repl.starting import start

        raise typer.Exit(start())


@app.command("repl")
def repl_command(
    file: Annotated[str | None, typer.Argument(metavar="[FILE]", help="A script to run first.")] = None,
    color: ColorOption = Color.auto,
    precision: Annotated[int, typer.Option(min=0, max=17, help="Digits after the point.")] = 4,
    dtype: DtypeOption = DefaultDtype.float64,
    seed: SeedOption = None,
    settings: SettingsOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Reads lines and runs them, with completion and history; on a terminal only."""
    from gradcli.repl.starting import start

    status = start(
        file,
        precision=precision,
        dtype=dtype.value,
        seed=seed,
        tracking=None if tracking is None else tracking.value,
        settings=settings,
        color=color.value,
    )
    raise typer.Exit(status)


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
    format: FormatOption = Format.auto,
    color: ColorOption = Color.auto,
    precision: Annotated[int, typer.Option(min=0, max=17, help="Digits after the point.")] = 4,
    dtype: DtypeOption = DefaultDtype.float64,
    seed: SeedOption = None,
    settings: SettingsOption = None,
    tracking: TrackingOption = None,
    nan: Annotated[
        Nan, typer.Option("--nan", help="What the first inf or nan, in a value or a gradient, gets.")
    ] = Nan.warn,
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
    from gradcli.evaluate import check_settings, evaluate
    from gradcli.limits import size_in_bytes

    _checked("--set", check_settings, settings)
    _checked("--max-memory", size_in_bytes, max_memory)
    status = evaluate(
        programs,
        format=format.value,
        color=color.value,
        nan=nan.value,
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


def _checked(option: str, check: Callable[[Any], Any], given: Any) -> Any:
    """What `check` makes of an option's value, or the command line's failure."""
    from gradcli.errors import GradcliError

    try:
        return None if given is None else check(given)
    except GradcliError as failure:
        raise typer.BadParameter(failure.message, param_hint=f"'{option}'") from None


@app.command("graph")
def graph_command(
    file: ScriptArgument,
    name: NameArgument = None,
    to: Annotated[Picture, typer.Option("--to", help="As a tree, or for another program.")] = Picture.auto,
    output: Annotated[str | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to a file.")] = None,
    color: ColorOption = Color.auto,
    settings: SettingsOption = None,
    dtype: DtypeOption = DefaultDtype.float64,
    seed: SeedOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Draws the graph of a value."""
    from gradcli.inspecting import Looking, graph_event, picture_writer

    written = to.value in ("dot", "mermaid", "svg") or output is not None
    finish = picture_writer(to.value, output) if written else None
    _look(
        file, lambda session, show: Looking(session, show, graph_event, name, finish),
        "plain" if written else to.value, color, settings, dtype, seed, tracking,
    )  # fmt: skip


@app.command("explain")
def explain_command(
    file: ScriptArgument,
    name: NameArgument = None,
    format: FormatOption = Format.auto,
    color: ColorOption = Color.auto,
    settings: SettingsOption = None,
    dtype: DtypeOption = DefaultDtype.float64,
    seed: SeedOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Derives the gradients of a value, step by step."""
    from gradcli.inspecting import Looking, explained_event

    _look(
        file, lambda session, show: Looking(session, show, explained_event, name, None),
        format.value, color, settings, dtype, seed, tracking,
    )  # fmt: skip


def _look(
    file: str, look: Callable[[Any, Any], Any], format: str, color: Color, settings: list[str] | None,
    dtype: DefaultDtype, seed: int | None, tracking: Tracking | None,
) -> None:  # fmt: skip
    """Evaluates a script for what `look`, made of its session and of who shows events, sees in it."""
    from gradcli.evaluate import check_settings, evaluate

    _checked("--set", check_settings, settings)
    status = evaluate(
        [(file, None)],
        look=look,
        format=format,
        color=color.value,
        settings=settings,
        dtype=dtype.value,
        seed=seed,
        tracking=None if tracking is None else tracking.value,
    )
    raise typer.Exit(status)


@app.command("check")
def check_command(
    file: ScriptArgument,
    claims: Annotated[
        list[str] | None,
        typer.Option("--claim", metavar="'NAME: VALUE'", help="A gradient that you derived yourself; repeatable."),
    ] = None,
    format: FormatOption = Format.auto,
    color: ColorOption = Color.auto,
    settings: SettingsOption = None,
    dtype: DtypeOption = DefaultDtype.float64,
    seed: SeedOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Compares the gradients of every backward with central differences."""
    from gradcli.inspecting import Checks, claims_of

    claimed = _checked("--claim", claims_of, claims or [])
    _look(
        file, lambda session, show: Checks(session, claimed, show),
        format.value, color, settings, dtype, seed, tracking,
    )  # fmt: skip


@app.command("functions")
def functions_command(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One function, with all that's known.")] = None,
    search: Annotated[
        str | None, typer.Option("--search", metavar="WORDS", help="Those in whose name or description they occur.")
    ] = None,
    format: Annotated[Listing, typer.Option("--format", help="How it's shown; auto is rich on a terminal.")] = (
        Listing.auto
    ),
    color: ColorOption = Color.auto,
) -> None:
    """Lists the functions, or shows one: signature, shapes, derivative, an example."""
    if name is not None and search is not None:
        context.fail("Give a NAME or --search, not both.")
    from gradcli.functions import run_functions

    raise typer.Exit(run_functions(name, search, format.value, color.value))


@app.command("fmt")
def fmt_command(
    files: Annotated[list[str], typer.Argument(metavar="FILE|-...", help="Scripts; - is standard input to output.")],
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; status 1 where something would change.")
    ] = False,
) -> None:
    """Formats scripts; comments and meaning stay."""
    from gradcli.formatting.files import run_fmt

    raise typer.Exit(run_fmt(files, check, sys.stdout, sys.stderr))


def run(arguments: list[str]) -> int:
    """Runs a command line and gives its exit status."""
    if arguments[-1:] in (["--install-completion"], ["--show-completion"]):
        arguments = [*arguments, os.path.basename(os.environ.get("SHELL", ""))]
    command = get_command(app)
    try:
        command(args=in_order(arguments, valued_options(command.commands["eval"])), prog_name="gradcli")
    except SystemExit as end:
        return end.code
    except OSError as problem:
        # Of a pipe that's closed nothing is said: click sees to that.
        with suppress(OSError):
            typer.echo(unwritten(problem), err=True, nl=False)
        return 1
    return 0
