"""What begins with a colon: one function a command, its first line of documentation its help.

A command is called with the shell and its argument, and raises GradcliError where it can't be done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from prompt_toolkit.completion import Completion

from gradcli.errors import FileFailure, NameFailure, TypeFailure, ValueFailure
from gradcli.filesystem import write_text
from gradcli.repl import record
from gradcli.repl.settings import SETTINGS

if TYPE_CHECKING:
    from gradcli.repl.completion import GrCompleter
    from gradcli.repl.running import Shell


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, its argument as the help shows it, what completes it, and what it does."""

    name: str
    usage: str
    completes: str
    run: Callable[[Shell, str], None]

    @property
    def first_line(self) -> str:
        return (self.run.__doc__ or "").partition("\n")[0]

    @property
    def called(self) -> str:
        return f":{self.name} {self.usage}".rstrip()


COMMANDS: dict[str, Command] = {}


def command(usage: str = "", completes: str = "") -> Callable[[Callable[[Shell, str], None]], Any]:
    """Enters a function as the command of its name; `completes` is names, words, files, settings or code."""

    def enter(run: Callable[[Shell, str], None]) -> Callable[[Shell, str], None]:
        name = run.__name__.rstrip("_")
        COMMANDS[name] = Command(name, usage, completes, run)
        return run

    return enter


def run(shell: Shell, text: str) -> None:
    """Runs a line that begins with a colon."""
    word, _, argument = text[1:].strip().partition(" ")
    found, argument = found_by(word), argument.strip()
    if argument and not found.usage:
        raise TypeFailure(f":{found.name} takes no argument", help=f"`{found.called}`: {found.first_line}")
    if not argument and found.usage and not found.usage.startswith("["):
        raise TypeFailure(f":{found.name} needs an argument", help=f"`{found.called}`: {found.first_line}")
    found.run(shell, argument)


def found_by(word: str) -> Command:
    """The command of a name, or of the beginning of one only."""
    from gradcli.language.nearest import nearest

    if word in COMMANDS:
        return COMMANDS[word]
    begun = [name for name in COMMANDS if word and name.startswith(word)]
    if len(begun) == 1:
        return COMMANDS[begun[0]]
    if begun:
        several = " or ".join(f":{name}" for name in begun)
        raise NameFailure(f"`:{word}` may be {several}", help="give a letter more")
    near = nearest(word, COMMANDS)
    raise NameFailure(
        f"there is no command `:{word}`", help=f"did you mean `:{near}`?" if near else "`:help` lists the commands"
    )


def completions_of(completer: GrCompleter, text: str, shell: Shell) -> Iterator[Completion]:
    """What can stand at the end of a line that begins with a colon."""
    word, space, argument = text[1:].partition(" ")
    if not space:
        for name, entry in COMMANDS.items():
            if name.startswith(word):
                yield Completion(
                    name + (" " if entry.usage else ""), -len(word), display=f":{name}", display_meta=entry.first_line
                )
        return
    try:
        kind = found_by(word).completes
    except NameFailure:
        return
    argument = argument.lstrip()
    if kind == "files":
        from gradcli.repl.completion import of_files

        yield from of_files(argument, (".gr",))
    elif kind == "names":
        yield from completer.of_names(argument)
    elif kind == "words":
        yield from completer.of_words(argument)
    elif kind == "code":
        yield from completer.of_code(argument)
    elif kind == "settings":
        key, space, value = argument.partition(" ")
        for name in SETTINGS[key].values if space and key in SETTINGS else SETTINGS if not space else ():
            if name.startswith(value if space else key):
                meaning = "" if space else SETTINGS[name].meaning
                yield Completion(name, -len(value if space else key), display_meta=meaning)


# ---- to know


@command("[NAME]", completes="words")
def help_(shell: Shell, name: str) -> None:
    """What can be done here; with a name, what it means."""
    from gradcli.repl.keys import HELP

    if name:
        _help_on(shell, name)
        return
    width = max(len(entry.called) for entry in COMMANDS.values())
    for entry in COMMANDS.values():
        _row(shell, entry.called, entry.first_line, width)
    shell.write("\n")
    for key, meaning in HELP.items():
        _row(shell, key, meaning, width)
    shell.write("\n")
    _row(shell, record.LAST, "the last value that a line showed", width)


def _row(shell: Shell, left: str, right: str, width: int) -> None:
    """A term and its meaning, side by side where there's room for that."""
    start, room = "  ", shell.columns - width - 5
    if room < 24:
        lines = wrap(right, max(shell.columns - 5, 12))
        shell.write(f"{start}{left}\n" + "".join(f"{start}  {line}\n" for line in lines))
        return
    first, *others = wrap(right, room) or [""]
    shell.write(f"{start}{left:{width}}  {first}\n" + "".join(f"{'':{width + 4}}{line}\n" for line in others))


def _help_on(shell: Shell, name: str) -> None:
    from gradcli.functions import pages_of
    from gradcli.language.nearest import nearest
    from gradcli.library.vocabulary import CONSTANTS, FUNCTIONS, METHODS
    from gradcli.repl import words

    known = words.names_of(shell.session)
    texts = []
    if name.startswith(":"):
        entry = found_by(name[1:])
        texts.append(f"{entry.called}\n{entry.run.__doc__}")
    elif name in known:
        texts.append(f"{name}: {words.summary(known[name])}")
    else:
        if name in words.STATEMENTS:
            texts.append(words.STATEMENTS[name])
        if name in FUNCTIONS or name in METHODS:
            texts += pages_of(name, shell.columns - 1)
        if name in CONSTANTS:
            texts.append(f"{name} = {CONSTANTS[name]!r}")
    if not texts and name in COMMANDS:
        _help_on(shell, f":{name}")
        return
    if not texts:
        near = nearest(name, {*known, *words.STATEMENTS, *FUNCTIONS, *METHODS, *CONSTANTS, *COMMANDS})
        mark = ":" if near in COMMANDS and near not in FUNCTIONS else ""
        raise NameFailure(
            f"nothing is known by the name `{name}`", help=f"did you mean `{mark}{near}`?" if near else ""
        )
    for text in texts:
        for line in text.rstrip().split("\n"):
            if len(line) < shell.columns:
                shell.write(line + "\n")
            else:
                shell.write("".join(f"{part}\n" for part in wrap(line.strip(), shell.columns - 1)))


@command()
def vars_(shell: Shell, argument: str) -> None:
    """The names: shape, dtype, whether tracked (leaf, result), gradient."""
    from gradcli.engine import Tensor
    from gradcli.repl import words

    rows = [("name", "shape", "dtype", "tracked", "gradient")]
    for name, value in words.names_of(shell.session).items():
        if type(value) is Tensor:
            tracked = ("leaf" if value.is_leaf else "result") if value.requires_grad else ""
            shape = str(tuple(value.shape)).replace(" ", "")
            rows.append((name, shape, str(value.dtype), tracked, _gradient(value)))
        else:
            rows.append((name, "", words.kind_of(value), "", ""))
    if len(rows) == 1:
        shell.write("no names yet\n")
        return
    room = shell.columns - 1
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join(f"{part:{width}}" for part, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    room = shell.columns - 1
    if max(map(len, table)) > room:
        # A narrow terminal has no columns, and the gradients below their names.
        described = (" ".join(filter(None, row[:4])) + f"\n  grad {row[4]}" * bool(row[4]) for row in rows[1:])
        table = [line for text in described for line in text.split("\n")]
    for line in table:
        shell.write((line if len(line) <= room else line[: room - 3] + "...") + "\n")


def _gradient(tensor: Any) -> str:
    """The gradient in one short line where it fits one, else its shape."""
    if tensor.grad is None:
        return ""
    text = " ".join(repr(tensor.grad).split())
    return text if len(text) <= 60 else f"of shape {tuple(tensor.grad.shape)}"


# ---- to see: the statements of these names


@command("[NAME]", completes="names")
def graph(shell: Shell, name: str) -> None:
    """The graph that made a name's value (or the last differentiable one)."""
    shell.look(f"graph {name or _last_result(shell)}")


@command("[NAME]", completes="names")
def explain(shell: Shell, name: str) -> None:
    """The derivation of the gradients of a name's value, step by step."""
    shell.look(f"explain {name or _last_result(shell)}")


@command("[NAME]", completes="names")
def check(shell: Shell, name: str) -> None:
    """The gradients of a name's value, against central differences."""
    shell.look(f"check {name or _last_result(shell)}")


def _last_result(shell: Shell) -> str:
    named = shell.session.named_tensors()
    results = [name for name, tensor in named.items() if tensor.requires_grad and not tensor.is_leaf]
    if not results:
        raise ValueFailure("no name has a value with a graph yet", help="compute one, `y = x^2`, or name it")
    # The newest: a name keeps its place among the names when it's given another value.
    return max(results, key=lambda name: (named[name].node.order, name != record.LAST))


@command("EXPR", completes="code")
def time_(shell: Shell, expression: str) -> None:
    """How long an expression takes; the session stays as it is."""
    tracing, shell.session.tracing = shell.session.tracing, False
    try:
        _time(shell, expression)
    finally:
        shell.session.tracing = tracing


def _time(shell: Shell, expression: str) -> None:
    start = time.perf_counter()
    if not shell.look(expression, quiet=True):
        return
    once = time.perf_counter() - start
    runs, best = 1, once
    while once < 0.2 and runs < 1_000_000:
        # What it takes to read the text is no part of it: a loop that doesn't run tells how long that is.
        times = []
        for count in (0, runs):
            start = time.perf_counter()
            if not shell.look(f"for {record.LAST} in range({count}) {{\n{expression}\n}}", quiet=True, tell=False):
                shell.write(f"{_duration(once)}, once\n")
                return
            times.append(time.perf_counter() - start)
        spent = max(times[1] - times[0], 1e-9)
        best = spent / runs
        if spent > 0.1:
            break
        runs = min(int(runs * max(2, min(10, 0.2 / spent))), 1_000_000)
    shell.write(f"{_duration(best)} a run, over {runs} run{'s' * (runs != 1)}\n")


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


# ---- to keep


@command("FILE", completes="files")
def load(shell: Shell, file: str) -> None:
    """Runs a script in this session."""
    from gradcli.evaluate import read

    _not_in_a_sandbox(shell)
    path = Path(file).expanduser()
    text = read(str(path) if file != "-" else "./-")
    shell.evaluate(text.replace("\r\n", "\n"), str(path))


@command("FILE", completes="files")
def save(shell: Shell, file: str) -> None:
    """Writes the lines so far as a script that does the same again.

    Lines that failed, were undone, or only looked (`:graph`, `:time`) aren't in it. An existing file is replaced only
    where this session wrote it; `:save FILE!` replaces any.
    """
    _not_in_a_sandbox(shell)
    forced = file.endswith("!")
    path = Path(file.removesuffix("!").rstrip()).expanduser()
    if path.exists() and not forced and path.resolve() not in shell.saved:
        raise FileFailure(f"{path} exists already", help=f"to replace it: `:save {path}!`")
    write_text(path, record.script_of(shell.lines, shell.start, shell.session.snapshot()))
    shell.saved.add(path.resolve())
    count = len(shell.lines)
    shell.write(f"{count} line{'s' * (count != 1)} saved as {path}\n")


def _not_in_a_sandbox(shell: Shell) -> None:
    if shell.session.sandbox:
        raise FileFailure("files aren't available: this session runs with --sandbox")


# ---- to go back


@command()
def undo(shell: Shell, argument: str) -> None:
    """Takes the last line back: names, values, gradients and graphs."""
    shell.undo()


@command()
def reset(shell: Shell, argument: str) -> None:
    """Forgets all names and settings; `:undo` brings them back."""
    shell.reset()


@command("[SETTING [VALUE]]", completes="settings")
def set_(shell: Shell, argument: str) -> None:
    """Sets precision, dtype, tracking or seed; without a value, shows it."""
    name, _, value = argument.replace("=", " ").partition(" ")
    if not name:
        for key, setting in SETTINGS.items():
            _row(shell, f"{key} {setting.read(shell)}", setting.meaning, 18)
        return
    begun = [key for key in SETTINGS if key.startswith(name)]
    if len(begun) != 1:
        from gradcli.language.nearest import nearest

        near = nearest(name, SETTINGS)
        raise NameFailure(
            f"there is no setting `{name}`",
            help=f"did you mean `{near}`?" if near else f"the settings are {', '.join(SETTINGS)}",
        )
    setting = SETTINGS[begun[0]]
    if value.strip():
        setting.write(shell, value.strip())
    else:
        shell.write(f"{begun[0]} {setting.read(shell)}".rstrip() + "\n")


@command()
def quit_(shell: Shell, argument: str) -> None:
    """Leaves, as Ctrl-D does."""
    raise EOFError
