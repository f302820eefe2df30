"""The numbers of the automaton's terminals, by name, and the sets of them that the lexer asks about."""

from __future__ import annotations

from typing import Any

from . import tables

_number = {name: number for number, name in enumerate(tables.TERMINALS)}


def _numbers(names: str) -> tuple[int, ...]:
    return tuple(_number[name] for name in names.split())


END_OF_TEXT = _number["$END"]
FAILED = 255  # no symbol of the automaton: where it stands the lexer had to stop
END, NAME, NUMBER, STRING, ARRAY, PRIMES = _numbers("_END NAME NUMBER STRING ARRAY PRIMES")
OPEN_PARENTHESIS, OPEN_BRACKET, OPEN_BRACE = _numbers("OPEN_PARENTHESIS OPEN_BRACKET OPEN_BRACE")
CLOSE_PARENTHESIS, CLOSE_BRACKET, CLOSE_BRACE = _numbers("CLOSE_PARENTHESIS CLOSE_BRACKET CLOSE_BRACE")
LAMBDA_OPEN, LAMBDA_NAME, ARROW = _numbers("_LAMBDA_OPEN LAMBDA_NAME ARROW")
FSTRING_START, FSTRING_END = _numbers("_FSTRING_START _FSTRING_END")
REPLACEMENT_START, REPLACEMENT_END, EQUALS, FORMAT = _numbers("_REPLACEMENT_START _REPLACEMENT_END EQUALS FORMAT")
EQUAL_SIGN, COLON, DOT, COMMA = _numbers("EQUAL_SIGN COLON DOT COMMA")
COMPARISON, IN, NOT, SIGN, STAR, TILDE = _numbers("COMPARISON IN NOT SIGN STAR TILDE")
IF, ELSE, ELIF, IMPORT, FROM, DEF, FOR = _numbers("IF ELSE ELIF IMPORT FROM DEF FOR")
BACKWARD, RETAIN = _numbers("BACKWARD RETAIN")

_ATOMS = "NAME NUMBER STRING TRUE FALSE NONE ELLIPSIS ARRAY"
_OPERATORS = frozenset(_numbers("COMPARISON IN SIGN STAR DIVISION _POWER TILDE BAR AMPERSAND AUGMENT"))

# After these a value has just ended, so that `[` begins an index, and a word can be a clause's.
VALUE_ENDS = frozenset((*_numbers(_ATOMS), PRIMES, CLOSE_PARENTHESIS, CLOSE_BRACKET, FSTRING_END))
# With these a value begins that can't continue the one before it.
VALUE_STARTS = frozenset((*_numbers(_ATOMS), FSTRING_START, LAMBDA_NAME, NOT, TILDE))
OPENERS = frozenset((OPEN_PARENTHESIS, OPEN_BRACKET, OPEN_BRACE, LAMBDA_OPEN, REPLACEMENT_START))
CLOSERS = frozenset((CLOSE_PARENTHESIS, CLOSE_BRACKET, CLOSE_BRACE, REPLACEMENT_END))
# After these a statement goes on in the next line.
CONTINUES = _OPERATORS | frozenset(_numbers("EQUAL_SIGN ARROW COMMA AND OR NOT"))

CLAUSE_WORDS = {"wrt": "backward", "retain": "backward", "claim": "check"}
SOFT_WORDS = frozenset({"backward", "graph", "explain", "check", "const", "no_grad", "enable_grad"})


def _kind(word: str, terminal: int) -> str:
    if terminal in _OPERATORS:
        return "OPERATOR"
    return "KEYWORD" if word.isidentifier() else "PUNCTUATION"


# What a word says by itself: (terminal, kind, value).
ENTRIES: dict[str, tuple[int, str, Any]] = {
    word: (terminal, _kind(word, terminal), word)
    for word, terminal in tables.WORDS.items()
    if word not in CLAUSE_WORDS and word not in "()[]{}:"
}
ENTRIES["..."] = (_number["ELLIPSIS"], "ELLIPSIS", ...)
ENTRIES["true"] = ENTRIES["True"] = (_number["TRUE"], "TRUE", True)
ENTRIES["false"] = ENTRIES["False"] = (_number["FALSE"], "FALSE", False)
ENTRIES["none"] = ENTRIES["None"] = (_number["NONE"], "NONE", None)
