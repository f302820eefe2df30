"""Text to tokens: one regular expression for the plain ones, a method each for what depends on what stands around it.

A token is `(kind, value, line, column, end_line, end_column)`: lines from 1, columns from 0, ends exclusive, all in
characters. Beside each token stands its terminal, the number by which the automaton of tables.py knows it. What is
decided here, and how, is said at the head of gradcli.lark in the reader's words.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from ..errors import Span, SyntaxFailure
from . import tables
from . import terminals as t
from .arrays import numeric_array
from .soft_keywords import soften
from .strings import read_equals, read_format, read_fstring_text, read_string

Token = tuple[str, Any, int, int, int, int]
Place = tuple[int, int, int, int]  # line, column, end_line, end_column: the rest of a token

# Words that mean the same wherever they stand; the others go through `Scan.word`.
_PLAIN = {word: entry for word, entry in t.ENTRIES.items() if not word.isidentifier() and word != "->"}
_PREFIXES = frozenset({"f", "F", "r", "R", "rf", "rF", "Rf", "RF", "fr", "fR", "Fr", "FR"})

_NO_END_AFTER = t.CONTINUES | {t.END, t.OPEN_BRACE}
_STATEMENT_STARTS = frozenset({t.END, t.OPEN_BRACE})
_PRIME_AFTER = frozenset({t.NAME, t.CLOSE_PARENTHESIS, t.PRIMES})
_OPENED_BY = {")": t.OPEN_PARENTHESIS, "]": t.OPEN_BRACKET, "}": t.OPEN_BRACE}
_BRACKETS = {
    "(": t.OPEN_PARENTHESIS, ")": t.CLOSE_PARENTHESIS,
    "[": t.OPEN_BRACKET, "]": t.CLOSE_BRACKET,
    "{": t.OPEN_BRACE, "}": t.CLOSE_BRACE,
}  # fmt: skip

_signs = "|".join(re.escape(sign) for sign in sorted([*_PLAIN, "->"], key=len, reverse=True))
_WORD, _BRACKET, _NEWLINE = 2, 3, 4
_TOKEN = re.compile(
    r"[ \t\f\xa0]*+(?:#[^\n]*+)?"  # blanks, and a comment
    r"(?:(=(?!=)(?=\s*+[:!}])|\\[ \t]*\n)"  # `=` at the end of an f-string's expression, a line that goes on
    rf"|({tables.NAME}|{tables.NUMBER}|{_signs})"
    r"|([()\[\]{}])"
    r"|(\n)"
    r"|(.)"
    r"|\Z)",
    re.DOTALL,
)


class Scan:
    """A text's tokens, as far as they could be made.

    `tokens[i]` goes with `terminals[i]`. Both begin with a statement's end, so that there is always a token before, and
    finish with END_OF_TEXT, or with FAILED where `failure` says what stopped the lexer. `unclosed` lists the places
    of opening brackets that nothing closes.
    """

    def __init__(self, text: str, name: str = "<text>", line: int = 1, column: int = 0) -> None:
        if text.startswith("\ufeff"):
            text = text[1:]
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.text = text
        self.name = name
        self.first_line, self.first_column = line, column
        self.line = line
        self.line_start = -column
        self.position: int | None = 0
        self.terminals: list[int] = [t.END]
        self.tokens: list[Token] = [("END", ";", line, column, line, column)]
        self.brackets: list[int] = []
        self.unclosed: list[int] = []
        self.last_open = 0
        self.soft: list[int] = []
        # Open f-strings: [quote, whether it's raw, where the expression that is being read begins]
        self.fstrings: list[list[Any]] = []
        self.array_budget = 16 * len(text) + 100_000
        self.failure: SyntaxFailure | None = None
        self.open_ended = False  # whether a long string or a backslash waits for more
        self._scan()

    def _scan(self) -> None:
        known = dict(_PLAIN)
        try:
            while self.position is not None:
                self._plain(known, self.position)
        except SyntaxFailure as failure:
            self.failure = failure
        else:
            self.unclosed = self.brackets
        last = self.tokens[-1] if self.terminals[-1] != t.END or len(self.tokens) == 1 else self.tokens[-2]
        self.tokens.append(("END_OF_TEXT", None, last[4], last[5], last[4], last[5]))
        self.terminals.append(t.FAILED if self.failure else t.END_OF_TEXT)
        for place in self.soft:
            soften(self.terminals, self.tokens, place)

    def _plain(self, known: dict[str, Any], position: int) -> None:
        """Reads on until a token needs the text itself (a string, an array), which sets where to go on."""
        terminals, tokens, brackets = self.terminals, self.tokens, self.brackets
        push_terminal, push_token = terminals.append, tokens.append
        entry_of = known.get
        line, line_start = self.line, self.line_start
        for match in _TOKEN.finditer(self.text, position):
            group = match.lastindex
            if group == _WORD:
                word = match[_WORD]
                end = match.end() - line_start
                entry = entry_of(word)
                if entry is None:
                    entry = self._word(known, word, match.end())
                    if entry is None:
                        return
                push_terminal(entry[0])
                push_token((entry[1], entry[2], line, end - len(word), line, end))
            elif group == _BRACKET:
                bracket = match[_BRACKET]
                end = match.end() - line_start
                if bracket in "([{":
                    if bracket == "[" and terminals[-1] not in t.VALUE_ENDS and self._array(match.end() - 1):
                        return
                    brackets.append(len(tokens))
                elif self._close(bracket, match.end()):
                    return
                push_terminal(_BRACKETS[bracket])
                push_token(("PUNCTUATION", bracket, line, end - 1, line, end))
            elif group == _NEWLINE:
                if self.fstrings and len(self.fstrings[-1][0]) == 1:
                    self.never_closed(max(place for place in brackets if terminals[place] == t.REPLACEMENT_START))
                if (not brackets or terminals[brackets[-1]] == t.OPEN_BRACE) and (
                    terminals[-1] not in _NO_END_AFTER or (terminals[-1] == t.STAR and terminals[-2] == t.IMPORT)
                ):
                    end = match.end() - line_start
                    push_terminal(t.END)
                    push_token(("END", "\n", line, end - 1, line, end))
                self.line = line = line + 1
                self.line_start = line_start = match.end()
            elif group is None:
                self.position = None
                return
            elif self._other(match[group], match.end()):
                return

    def push(self, terminal: int, kind: str, value: Any, start: int, end: int) -> None:
        column = start - self.line_start
        self.terminals.append(terminal)
        self.tokens.append((kind, value, self.line, column, self.line, end - self.line_start))

    def push_lines(self, terminal: int, kind: str, value: Any, start: int, end: int) -> None:
        """Like `push`, for a token that may reach over several lines; goes on behind it."""
        line, column = self.line, start - self.line_start
        self.go_on(start, end)
        self.terminals.append(terminal)
        self.tokens.append((kind, value, line, column, self.line, end - self.line_start))

    def go_on(self, start: int, end: int) -> None:
        lines = self.text.count("\n", start, end)
        if lines:
            self.line += lines
            self.line_start = self.text.rindex("\n", start, end) + 1
        self.position = end

    # ------------------------------------------------------------------------------------------------------ words

    def _word(self, known: dict[str, Any], word: str, end: int) -> tuple[int, str, Any] | None:
        """What a word says here, or None where it was the beginning of a string, which has been read."""
        previous = self.terminals[-1]
        if word == "->":
            self._mark_lambda()
            return t.ENTRIES[word]
        if word[0] in "0123456789.":
            known[word] = number = self._number(word, end)
            return number
        if previous == t.DOT:
            return t.NAME, "NAME", self._name(word, end)
        if word in _PREFIXES and self._prefixed(word, end):
            return None
        entry = t.ENTRIES.get(word)
        if entry is None:
            entry = t.NAME, "NAME", self._name(word, end)
            if word not in _PREFIXES and entry[2][:2] != "__":
                known[word] = entry
            return entry
        if word in t.SOFT_WORDS:
            if previous == t.CLOSE_BRACE and word == "backward":
                return entry
            if previous in _STATEMENT_STARTS:
                self.soft.append(len(self.tokens))
            return t.NAME, "NAME", word
        return self._keyword(entry, end)

    def _keyword(self, entry: tuple[int, str, Any], end: int) -> tuple[int, str, Any] | None:
        terminals, tokens = self.terminals, self.tokens
        terminal, previous = entry[0], tokens[-1]
        if terminal in (t.ELSE, t.ELIF):
            if terminals[-1] == t.END and previous[1] == "\n":
                del terminals[-1], tokens[-1]
        elif previous[:2] == ("OPERATOR", "is") if terminal == t.NOT else (terminal, terminals[-1]) == (t.IN, t.NOT):
            value = "is-not" if terminal == t.NOT else "not-in"
            tokens[-1] = ("OPERATOR", value, *previous[2:4], self.line, end - self.line_start)
            terminals[-1] = t.COMPARISON
            self.position = end
            return None
        return entry

    def _number(self, word: str, end: int) -> tuple[int, str, Any]:
        try:
            value = int(word) if word.replace("_", "").isdigit() else float(word)
        except ValueError:  # Python's own limit, some 4,300 digits
            self.fail(
                "this whole number has too many digits", end - len(word), end, help="write it as a float: `1e300`"
            )
        return t.NUMBER, "NUMBER", value

    def _name(self, word: str, end: int) -> str:
        """The name as Python would compare it. Raises SyntaxFailure where it's none, or a reserved one."""
        name = word
        if not word.isascii():
            for place, character in enumerate(word, end - len(word)):
                if not ("_" + character).isidentifier() or (place == end - len(word) and not character.isidentifier()):
                    self._bad_character(character, place)
            from unicodedata import normalize

            name = normalize("NFKC", word)
            if name in t.ENTRIES:
                self.fail(
                    f"`{word}` reads as the word `{name}`", end - len(word), end, help=f"write it plainly: `{name}`"
                )
        if name.startswith("__") and not self._in_import():
            if self.terminals[-1] == t.NUMBER and self.tokens[-1][4:] == (self.line, end - len(word) - self.line_start):
                self.fail(
                    f"`{word}` can't stand in a number", end - len(word), end, help="one `_` between digits: `1_000`"
                )
            self.fail(
                f"the name `{word}` is reserved",
                end - len(word),
                end,
                label="names can't begin with two underscores",
            )
        return name

    def _in_import(self) -> bool:
        place = len(self.terminals) - 1
        while self.terminals[place] not in _STATEMENT_STARTS:
            place -= 1
        return place + 1 < len(self.terminals) and self.terminals[place + 1] in (t.IMPORT, t.FROM)

    def _mark_lambda(self) -> None:
        """`->` decides what the name or the bracket before it was."""
        terminals = self.terminals
        if terminals[-1] == t.NAME and terminals[-2] != t.DOT:
            terminals[-1] = t.LAMBDA_NAME
        elif terminals[-1] == t.CLOSE_PARENTHESIS and terminals[self.last_open - 1] not in t.VALUE_ENDS:
            terminals[self.last_open] = t.LAMBDA_OPEN

    # --------------------------------------------------------------------------------------------------- brackets

    def _close(self, bracket: str, end: int) -> bool:
        """Says whether the bracket ended an expression in an f-string, whose text has then been read on."""
        terminals, brackets = self.terminals, self.brackets
        wanted = (_OPENED_BY[bracket], t.REPLACEMENT_START if bracket == "}" else None)
        if not brackets or terminals[brackets[-1]] not in wanted:
            fitting = [depth for depth, place in enumerate(brackets) if terminals[place] in wanted]
            if not fitting:
                label = f"`{self.tokens[brackets[-1]][1]}` is open here" if brackets else "no bracket is open here"
                self.fail(f"unexpected `{bracket}`", end - 1, end, label)
            self.unclosed = brackets[fitting[-1] + 1 :]
            self.never_closed(brackets[-1])
        self.last_open = brackets.pop()
        if terminals[self.last_open] != t.REPLACEMENT_START:
            return False
        self.push(t.REPLACEMENT_END, "PUNCTUATION", "}", end - 1, end)
        read_fstring_text(self, end)
        return True

    def _array(self, start: int) -> bool:
        """Takes `[1, 2, [3, 4]]` as one token where it can."""
        if self.array_budget < 0:
            return False
        value, end = numeric_array(self.text, start)
        if value is None:
            self.array_budget -= end - start  # a nested list is tried again from each of its brackets
            return False
        self.push_lines(t.ARRAY, "ARRAY", value, start, end)
        return True

    # ----------------------------------------------------------------------------- strings and single characters

    def _other(self, character: str, end: int) -> bool:
        """Reads what `_plain` leaves; says whether the place to go on at has been moved."""
        start = end - len(character)
        in_fstring = bool(self.brackets) and self.terminals[self.brackets[-1]] == t.REPLACEMENT_START
        if character in "'\"":
            if character == '"' or not self._primes(start):
                read_string(self, start, start)
            return True
        if character == ";":
            if self.brackets and self.terminals[self.brackets[-1]] != t.OPEN_BRACE and self._in_import():
                self.never_closed(self.brackets[-1])
            if self.terminals[-1] not in _STATEMENT_STARTS:
                self.push(t.END, "END", ";", start, end)
        elif character == ":":
            if in_fstring:
                read_format(self, start)
                return True
            self.push(t.COLON, "PUNCTUATION", ":", start, end)
        elif character == "=":
            if in_fstring:
                read_equals(self, end)
            else:
                self.push(t.EQUAL_SIGN, "PUNCTUATION", "=", start, end)
        elif character[0] == "\\" and character != "\\":
            self.go_on(start, end)
            self.open_ended = end == len(self.text)
            return True
        elif character == "!" and in_fstring:
            read_format(self, start)
            return True
        else:
            self._bad_character(character, start)
        return False

    def _primes(self, start: int) -> bool:
        last = self.tokens[-1]
        if self.terminals[-1] not in _PRIME_AFTER or last[4:] != (self.line, start - self.line_start):
            return False
        end = _after_quotes(self.text, start)
        self.push_lines(t.PRIMES, "PRIMES", end - start, start, end)
        return True

    def _prefixed(self, word: str, end: int) -> bool:
        """Reads f"..." and r"..."; says no where the word is a name."""
        quote = self.text[end : end + 1]
        if quote == "'" and word in "fF":
            if self.text.startswith("(", _after_quotes(self.text, end)):
                return False
        elif quote != '"':
            return False
        read_string(self, end - len(word), end, "r" in word.lower(), "f" in word.lower())
        return True

    # --------------------------------------------------------------------------------------------------- failures

    def failure_at(self, message: str, place: Place, label: str = "", help: str = "") -> SyntaxFailure:
        line, column, end_line, end_column = place
        span = Span(self.name, line, column + 1, end_line, end_column + 1)
        return SyntaxFailure(message, label=label, help=help, span=span)

    def source(self, line: int, column: int, end_column: int) -> str:
        """A stretch of one line, columns from 0."""
        start = 0
        for _ in range(line - self.first_line):
            start = self.text.index("\n", start) + 1
        shift = self.first_column if line == self.first_line else 0
        return self.text[start + column - shift : start + end_column - shift]

    def fail(self, message: str, start: int, end: int, label: str = "", help: str = "") -> NoReturn:
        place = (self.line, start - self.line_start, self.line, end - self.line_start)
        raise self.failure_at(message, place, label, help)

    def never_closed(self, place: int) -> NoReturn:
        raise self.failure_at(f"this `{self.tokens[place][1]}` was never closed", self.tokens[place][2:])

    def never_ended(self, place: tuple[int, int], length: int, quote: str) -> NoReturn:
        line, column = place
        self.open_ended = len(quote) == 3
        raise self.failure_at(
            "this string was never ended",
            (line, column, line, column + length),
            help="for the derivative of `f` write `f'(x)`, or `grad(f)`: any other `f'` begins a string"
            if self.source(line, column, column + length) == "f'"
            else "",
        )

    def _bad_character(self, character: str, start: int) -> NoReturn:
        from .messages import about_character

        self.open_ended = character == "\\" and start == len(self.text) - 1
        message, help = about_character(character)
        self.fail(message, start, start + 1, help=help)


def _after_quotes(text: str, start: int) -> int:
    while text.startswith("'", start):
        start += 1
    return start
