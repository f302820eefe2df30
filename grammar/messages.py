"""What a syntax error says: what was expected, what stands there instead, and how it's written in this language.

Imported only once an error is known. What could stand in a place is asked of the automaton itself, by trying every
terminal on a copy of the parser's states; the tables below put it into words and know the habits of other languages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import SyntaxFailure
from . import tables
from . import terminals as t

if TYPE_CHECKING:
    from .lexer import Scan, Token

# ruff: noqa: RUF001  (the characters that look like others are what this is about)
# What people type, or paste, for a character of the language.
_LOOKALIKES = {
    "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "∕": "/", "≤": "<=", "≥": ">=",
    "≠": "!=", "→": "->", "⇒": "->", "²": "^2", "³": "^3", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "′": "'",
    "…": "...", "，": ",", "；": ";", "：": ":", "（": "(", "）": ")", "［": "[", "］": "]", "＝": "=", "＋": "+",
    "√": "sqrt(x)", "∞": "inf", "∂": "grad(f)", "∇": "grad(f)", "∑": "sum(x)", "¬": "not", "∧": "and", "∨": "or",
    "!": "not", "½": "1/2",
}  # fmt: skip

# Words that begin something elsewhere, and are mere names here.
_FOREIGN = {
    "lambda": "a function without a name is `x -> expr`",
    "function": "a function is `f(x) = expr` or `def f(x) { ... }`",
    "fn": "a function is `f(x) = expr` or `def f(x) { ... }`",
    "let": "a name needs no word before it: `x = 3`",
    "var": "a name needs no word before it: `x = 3`",
    "class": "there are no classes; a function can return functions",
    "try": "errors can't be caught in a script",
    "except": "errors can't be caught in a script",
    "finally": "errors can't be caught in a script",
    "raise": 'to stop with a message, `assert false, "why"`',
    "throw": 'to stop with a message, `assert false, "why"`',
    "yield": "a function returns once; collect the values in a list",
    "global": "functions see the names around them; return what they compute",
    "nonlocal": "functions see the names around them; return what they compute",
    "async": "there is nothing to wait for",
    "await": "there is nothing to wait for",
    "then": "a block is in braces: `if c { ... }`",
    "elseif": "write `else if`",
    "elsif": "write `else if`",
    "switch": "write `if a { ... } else if b { ... }`",
    "match": "write `if a { ... } else if b { ... }`",
    "print": "call it: `print(x)`",
}

_BLOCKS = {
    "if": "if c { ... }",
    "elif": "else if c { ... }",
    "else": "else { ... }",
    "while": "while c { ... }",
    "for": "for i in range(10) { ... }",
    "def": "def f(x) { ... }",
    "with": "with x { ... }",
    "no_grad": "no_grad { ... }",
    "enable_grad": "enable_grad { ... }",
    "backward": "} backward(g) { ... }",
}

# Signs of other languages, which are two tokens here.
_FOREIGN_SIGNS = {
    "&&": "and", "||": "or", "++": "x += 1", "--": "x -= 1", "<>": "!=", "=>": ">=` or `x -> expr", "=<": "<=",
    ":=": "=",
}  # fmt: skip

_CLAUSES = {
    "backward": "its clauses are `with v`, `wrt a, b` and `retain`",
    "check": "its clause is `claim x: expr`",
    "no_grad": "its block is in braces: `no_grad { ... }`",
    "enable_grad": "its block is in braces: `enable_grad { ... }`",
}

_WORDS_OF = {terminal: f"`{word}`" for word, terminal in reversed(tables.WORDS.items())}
_VALUES = {"true", "false", "none", "True", "False", "None"}
_WORDS = {word for word in tables.WORDS if word.replace("_", "").isalpha()} - _VALUES
_CLOSING = (t.CLOSE_PARENTHESIS, t.CLOSE_BRACKET, t.REPLACEMENT_END)
_BREAK = tables.WORDS["break"]


def about_character(character: str) -> tuple[str, str]:
    """Message and help about a character that no token begins with."""
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    instead = _LOOKALIKES.get(character)
    if character == "\\":
        return "unexpected `\\`", "a backslash goes at the end of a line that the next one continues"
    return f"unexpected character `{shown}`", f"write `{instead}`" if instead else ""


def about_token(scan: Scan, place: int, states: list[int]) -> SyntaxFailure:
    """The failure of a parser that stands in `states` (a stack) before the token at `place`, which doesn't fit."""
    if scan.terminals[place] == t.FAILED:
        assert scan.failure is not None
        return scan.failure
    for opening in reversed(scan.unclosed):
        # Within an open brace each line is a statement of its own, so that what is wrong there is worth saying first.
        if opening < place and (scan.terminals[opening] != t.OPEN_BRACE or scan.terminals[place] == t.END_OF_TEXT):
            return scan.failure_at(f"this `{scan.tokens[opening][1]}` was never closed", scan.tokens[opening][2:])
    return _Misfit(scan, place, states).failure()


class _Misfit:
    """A token that doesn't fit, and its surroundings."""

    def __init__(self, scan: Scan, place: int, states: list[int]) -> None:
        self.scan = scan
        self.place = place
        self.found = scan.terminals[place]
        self.token = scan.tokens[place]
        self.previous = scan.terminals[place - 1]
        self.expected = expected(states)
        self.begins_statement = _BREAK in self.expected
        self.wants_value = t.NUMBER in self.expected

    def failure(self) -> SyntaxFailure:
        for place in (self.place, self.place - 1):
            word = self.scan.tokens[place][1]
            if self.scan.terminals[place] == t.NAME and word in _FOREIGN and (word != "print" or place != self.place):
                return self._foreign(self.scan.tokens[place])
        for place in (self.place, self.place - 1):
            if self._names_a_word(place):
                return self.scan.failure_at(
                    f"`{self.text(place)}` is a word of the language, and can't be a name",
                    self.scan.tokens[place][2:],
                    help=f"such as `{self.text(place)}_` or another name",
                )
        return self.scan.failure_at(self.message(), self.where(), help=self.help())

    def _names_a_word(self, place: int) -> bool:
        """Whether a word of the language stands where a statement gives a value to a name."""
        terminals = self.scan.terminals
        if place < 1 or place + 1 >= len(terminals) or terminals[place + 1] != t.EQUAL_SIGN:
            return False
        begins = terminals[place - 1] in (t.END, t.OPEN_BRACE) or place == 1
        return begins and terminals[place] != t.NAME and self.text(place) in _WORDS

    def _foreign(self, token: Token) -> SyntaxFailure:
        word = token[1]
        message = "expected `(` after `print`" if word == "print" else f"`{word}` isn't a word of this language"
        return self.scan.failure_at(message, token[2:], help=_FOREIGN[word])

    def where(self) -> tuple[int, int, int, int]:
        if self.found == t.END_OF_TEXT or self.token[:2] == ("END", "\n"):
            line, column = self.scan.tokens[self.place - 1][4:]  # not behind a comment
            return line, column, line, column + 1
        return self.token[2:]

    def message(self) -> str:
        found = self.shown(self.place)
        if self.found in (t.ELSE, t.ELIF) and (self.begins_statement or t.END in self.expected):
            return f"{found} without an `if` before it"
        if self.found == t.ARROW or (self.found == t.BACKWARD and self.previous == t.CLOSE_BRACE):
            return f"unexpected {found}"
        if self.begins_statement:
            return f"a statement can't begin with {found}"
        wanted = self.wanted()
        after = "" if self.previous in (t.END, t.OPEN_BRACE) else f" after {self.shown(self.place - 1)}"
        if self.found == t.END_OF_TEXT:
            return f"expected {wanted}{after}"
        return f"expected {wanted}{after}, found {found}"

    def wanted(self) -> str:
        """What could stand here, with the most telling first. An operator could nearly always: that says little."""
        expected = self.expected
        words = []
        if self.wants_value:
            words.append("an expression")
        elif t.NAME in expected or t.LAMBDA_NAME in expected:
            words.append("a name")
        if t.END in expected or t.END_OF_TEXT in expected:
            words.append("the end of the statement" if t.END in expected else "the end of the expression")
        closing = [terminal for terminal in _CLOSING if terminal in expected]
        if closing and not words:
            words += ["`,`"] if t.COMMA in expected else []
            words += ["`}`" if terminal == t.REPLACEMENT_END else _WORDS_OF[terminal] for terminal in closing]
        if not words:
            fixed = (t.OPEN_BRACE, t.OPEN_PARENTHESIS, t.EQUAL_SIGN, t.COLON, t.ELSE)
            words += [_WORDS_OF[terminal] for terminal in fixed if terminal in expected][:1]
            if t.IN in expected and t.COMPARISON not in expected:
                words = ["`in`"]
        if not words:
            words = sorted(_WORDS_OF[terminal] for terminal in expected if terminal in _WORDS_OF)[:3]
        return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"

    def help(self) -> str:
        """How it's written here, where the mistake is a known one."""
        scan, place, found, previous = self.scan, self.place, self.found, self.previous
        text = self.text(place)
        if t.OPEN_BRACE in self.expected and found in (t.COLON, t.END):
            if scan.terminals[place + 1] == t.OPEN_BRACE:
                return "the `{` belongs on the same line"
            example = _BLOCKS.get(self.head())
            return f"a block is in braces: `{example}`" if example else ""
        if found == t.EQUAL_SIGN and not self.begins_statement:
            return "a loop is `for i in range(3) { ... }`" if self.head() == "for" else "to compare, write `==`"
        if text == ";" and t.CLOSE_BRACKET in self.expected:
            return "the rows of a matrix are lists: `[[1, 2], [3, 4]]`"
        for first in (place - 1, place, place - 2):
            instead = _FOREIGN_SIGNS.get(self.adjacent(first))
            if instead:
                return f"write `{instead}`"
        if found == t.ARROW:
            return "a function is `f(x) = expr`, and one without a name `x -> expr`"
        if found == t.OPEN_BRACE:
            if self.wants_value:
                return "braces only hold blocks: there are no dicts and sets"
            if self.head() == "backward":
                return "a backward clause begins on the line of the brace: `} backward(g) { ... }`"
        if found == t.BACKWARD and previous == t.CLOSE_BRACE:
            return "only a `def` has a backward clause; a statement begins on a new line"
        if previous == t.CLOSE_BRACE and t.END in self.expected:
            return "begin a new line, or write `;`"
        if previous == t.NUMBER and found == t.NAME and self.adjacent(place - 1):
            number = self.text(place - 1)
            if text[0] == "_" or (number == "0" and text[0] in "xXbBoO"):
                return "numbers are decimal: `31`, `1e-3`, `1_000`"
            return f"to multiply, write `{number}*{text}`"
        if self.begins_statement and place > 1 and (self.token[0] == "OPERATOR" or text == "."):
            mark = "\\" if text == "." else text
            return f"to go on with the line before, end it with `{mark}`, or use brackets"
        if found == t.FOR and t.CLOSE_BRACKET in self.expected:
            return "a list has one `for`"
        if found == t.COLON and t.END in self.expected:
            if scan.terminals[place - 2] == t.EQUAL_SIGN:
                return "a slice stands in an index; the numbers from 1 to 2 are `range(1, 3)` or `arange(1, 3)`"
            return "a name needs no type: `x = 3`"
        if t.END in self.expected:
            return _CLAUSES.get(self.head(), "")
        return ""

    def head(self) -> str:
        """The word that the statement begins with."""
        place, depth = self.place - 1, 0
        while place > 0:
            terminal = self.scan.terminals[place]
            depth += (terminal in t.CLOSERS) - (terminal in t.OPENERS)
            if depth < 0 or (terminal == t.END and not depth):
                break
            if self.text(place) in ("else", "elif", "backward") and not depth:
                return self.text(place)
            place -= 1
        return self.text(place + 1)

    def adjacent(self, place: int) -> str:
        """This token and the next, if no blank is between them."""
        tokens = self.scan.tokens
        if place + 1 >= len(tokens) or tokens[place][4:] != tokens[place + 1][2:4]:
            return ""
        return self.text(place) + self.text(place + 1)

    def text(self, place: int) -> str:
        """What stands in the script, for tokens on one line."""
        _, _, line, column, end_line, end_column = self.scan.tokens[place]
        return self.scan.source(line, column, end_column) if line == end_line else ""

    def shown(self, place: int) -> str:
        terminal = self.scan.terminals[place]
        if terminal == t.END_OF_TEXT:
            return "the end of the text"
        if self.scan.tokens[place][:2] == ("END", "\n"):
            return "the end of the line"
        if terminal == t.ARRAY:
            return "an array" if place == self.place else "the array"
        if terminal in (t.STRING, t.FSTRING_START, t.FSTRING_END):
            return "a string" if place == self.place else "the string"
        text = self.text(place)
        return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


def expected(states: list[int]) -> set[int]:
    """The terminals that a parser in `states` would take, reductions carried out."""
    from .parser import ACCEPT, ERROR, moves_of, next_action

    taken = set()
    for terminal in range(len(tables.TERMINALS)):
        stack = list(states)
        while True:
            action = next_action(stack[-1], terminal)
            if action is None or action is ACCEPT:
                taken.add(terminal)
                break
            if action is ERROR:
                break
            if action[2]:
                del stack[-action[2] :]
            stack.append(moves_of(stack[-1])[action[1]])
    return taken
