"""Completion in bash, zsh and fish: what the shells run, and what they are told. Nothing else loads this.

A shell calls gradcli with the words up to the one being completed as its arguments, and ASKED in its environment. The
answer is a line for each word that could stand there; with status 1 it's the name of a file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gradcli.commandline import parted, valued_options

ASKED = "_GRADCLI_COMPLETE"
"""The environment variable that holds the name of the shell that asks."""

SCRIPTS = {
    "bash": """\
_gradcli() {
    local IFS=$'\\n' found
    if found=$(_GRADCLI_COMPLETE=bash "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null); then
        COMPREPLY=($found)
    else
        compopt -o default 2>/dev/null
    fi
}
complete -F _gradcli gradcli
""",
    "zsh": """\
#compdef gradcli
_gradcli() {
    local found
    if found=$(_GRADCLI_COMPLETE=zsh "${(Q)words[1]}" "${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null); then
        local -a lines=("${(@f)found}")
        [[ -n $found ]] && _describe gradcli lines
    else
        _files
    fi
}
if [[ $funcstack[1] == _gradcli ]]; then _gradcli "$@"; else compdef _gradcli gradcli; fi
""",
    "fish": """\
function __gradcli_complete
    set -l words (commandline -opc) (commandline -ct)
    set -lx _GRADCLI_COMPLETE fish
    $words[1] $words[2..-1] 2>/dev/null </dev/null
    or __fish_complete_path (commandline -ct | string unescape)
end
complete -c gradcli -f -a '(__gradcli_complete)'
""",
}


def answer(words: list[str]) -> int:
    """Prints what could stand in the place of the last word, as the shell that asks wants it; gives the exit status."""
    shell = os.environ[ASKED]
    found = candidates(_joined(words) if shell == "bash" else words)
    mark = {"zsh": ":", "fish": "\t"}.get(shell)
    print("\n".join(f"{word}{mark}{help}" if mark and help else word for word, help in found or []), flush=True)
    return 1 if found is None else 0


def candidates(words: list[str]) -> list[tuple[str, str]] | None:
    """The words that could stand in the place of the last one, each with its help; none where it's a file's name."""
    from typer import Context
    from typer.main import get_command

    from gradcli.cli import app

    command: Any = get_command(app)
    context = Context(command, **command.context_settings)
    *before, current = words or [""]
    waiting = ""
    for word in before:
        commands = _commands(command)
        if waiting:
            waiting = ""
        elif word == "--":
            return None
        elif word in commands:
            command = command.commands[word]
            context = Context(command, parent=context, **command.context_settings)
        elif commands and not word.startswith("-"):
            return []
        else:
            _, option, value = parted(word, valued_options(command))
            waiting = option if value is None else ""
    if waiting:
        return _matching(current, _values(command, waiting))
    _, option, value = parted(current, valued_options(command))
    if value is not None:
        start = current.removesuffix(value)
        return _matching(current, {start + word: help for word, help in _values(command, option).items()})
    if current.startswith("-"):
        options = (option for option in command.get_params(context) if option.param_type_name == "option")
        return _matching(current, {name: option.help or "" for option in options for name in option.opts})
    return _matching(current, _commands(command)) if _commands(command) else None


def _matching(current: str, words: dict[str, str]) -> list[tuple[str, str]]:
    return [(word, help) for word, help in words.items() if word.startswith(current)]


def _commands(command: Any) -> dict[str, str]:
    return {name: each.get_short_help_str() for name, each in getattr(command, "commands", {}).items()}


def _values(command: Any, option: str) -> dict[str, str]:
    """The values of an option that has a closed list of them."""
    kinds = [each.type for each in command.params if option in each.opts]
    return {str(getattr(choice, "value", choice)): "" for kind in kinds for choice in getattr(kind, "choices", ())}


def _joined(words: list[str]) -> list[str]:
    """bash's words, of which `--format=json` is three."""
    joined: list[str] = []
    for i, word in enumerate(words):
        if word == "=" and i and joined[-1].startswith("--"):
            if i + 1 == len(words):
                joined.append("")
        else:
            joined.append(word)
    return joined


def install(shell: str) -> list[Path]:
    """Writes a shell's completion where that shell loads it, and gives the files that were written.

    bash and zsh load it by a line in the file that they read when they start, which is added once.
    """
    home = Path.home()
    if shell == "fish":
        script = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "fish/completions/gradcli.fish"
    else:
        script = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share") / f"gradcli/completion.{shell}"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(SCRIPTS[shell], encoding="utf-8")
    if shell == "fish":
        return [script]
    quoted = "'" + str(script).replace("'", "'\\''") + "'"
    line = f"[ ! -f {quoted} ] || . {quoted}"
    if shell == "zsh":
        line = f"(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}; {line}"
    start = home / ".bashrc" if shell == "bash" else Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"
    before = start.read_bytes() if start.exists() else b""
    if line.encode() in before.splitlines():
        return [script]
    with start.open("ab") as file:
        file.write(b"\n" * bool(before and not before.endswith(b"\n")) + line.encode() + b"\n")
    return [script, start]
