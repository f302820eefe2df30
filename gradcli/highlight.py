"""The Pygments lexer of .gr files, for terminals, editors and documents: `pygmentize script.gr`.

It colours any text, half-typed ones too, so that it can't ask the grammar, which stops at the first mistake; but its
words and its patterns of names and numbers are the grammar's. Two things depend on more than the place: words such as
`graph` are keywords only at the head of a statement that goes on with an operand, and `f'` is a derivative before `(`
and else begins a string.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from pygments.lexer import RegexLexer, bygroups, default, include
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Whitespace, _TokenType
from pygments.util import get_bool_opt

from gradcli.grammar import tables
from gradcli.grammar.terminals import CLAUSE_WORDS, SOFT_WORDS

_BLANK = r"[ \t\f\xa0]"
_NAME = tables.NAME

_CONSTANTS = {"true", "false", "none", "True", "False", "None"}
_OPERATOR_WORDS = {"and", "or", "not", "in", "is"}
_IMPORT_WORDS = {"import", "from", "as"}
_GRAD_MODES = {"no_grad", "enable_grad"}
_WORDS = {word for word in tables.WORDS if word.isidentifier()} - SOFT_WORDS - set(CLAUSE_WORDS)
_SIGNS = [sign for sign in tables.WORDS if not sign.isidentifier() and sign not in {*"()[]{}:,.=", "..."}]


def _any_of(words: Any) -> str:
    """A pattern of one of these, the longest first; whole words where they are words."""
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    pattern = "|".join(map(re.escape, longest_first))
    return rf"(?:{pattern})\b" if longest_first[0].isidentifier() else f"(?:{pattern})"


# What an operand begins with, behind `graph` and its like, and how it's set apart from them: see gradcli.lark.
_OTHER_WORDS = _any_of(_WORDS - _CONSTANTS - {"not"})
_OPERAND = rf"""(?={_BLANK}*["~]|{_BLANK}+(?:[(\['\d]|\.\d|\.\.\.|[-+](?![\s=>])|(?!{_OTHER_WORDS}|not\s+in\b)\w))"""
_HEAD = rf"((?:^|(?<=[;{{])){_BLANK}*)"

_AFTER_NAME = re.compile(rf"{_BLANK}*(=(?!=)|\(|\.(?!\.))")


@cache
def vocabulary() -> dict[str, _TokenType]:
    """How the words of the library look. Loads the library, and so NumPy, when it's first asked."""
    from gradcli.library import CONSTANTS, FUNCTIONS
    from gradcli.library.values import DTYPES

    looks = dict.fromkeys(FUNCTIONS, Name.Builtin)
    looks |= dict.fromkeys(CONSTANTS, Name.Constant)
    looks |= dict.fromkeys(DTYPES, Keyword.Type)
    return {name: look for name, look in looks.items() if "." not in name}


@cache
def _modules() -> frozenset[str]:
    """The words before a dot: `linalg` of `linalg.norm`."""
    from gradcli.library import CONSTANTS, FUNCTIONS

    dotted = {name.partition(".")[0] for name in (*FUNCTIONS, *CONSTANTS) if "." in name}
    return frozenset(dotted | {"torch", "nn", "np", "numpy"})


def _name(lexer: GrLexer, match: re.Match[str], _: Any = None) -> Iterator[tuple[int, _TokenType, str]]:
    """A name, by what follows it and what it's known for, and the primes behind it."""
    word, primes = match[1], match[2]
    after = _AFTER_NAME.match(match.string, match.end())
    follows = after[1] if after else ""
    look = Name.Function if follows == "(" or primes else Name
    if follows != "=" and lexer.knows_builtins:  # not where it's given a value
        look = vocabulary().get(word, look)
        if follows == "." and word in _modules():
            look = Name.Namespace
    yield match.start(1), look, word
    if primes:
        yield match.start(2), Operator, primes


def _number(_lexer: RegexLexer, match: re.Match[str], _: Any = None) -> Iterator[tuple[int, _TokenType, str]]:
    whole = match[0].replace("_", "").isdigit()
    yield match.start(), Number.Integer if whole else Number.Float, match[0]


_QUOTES = ("'''", '"""', "'", '"')
_ESCAPE = r"\\(?:[ntr0abfv\\'\"\n]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"


def _string_start(quote: str, raw: bool, formatted: bool) -> tuple[Any, ...]:
    """The rule that enters a string: raw ones are in double quotes only, `r'` is the derivative of r."""
    prefix = "(?:[fF][rR]|[rR][fF])" if raw and formatted else "[rR]" if raw else "[fF]" if formatted else ""
    look = String.Affix if prefix else _look(quote)
    return rf"({prefix})({quote})", bygroups(look, _look(quote)), _string_state(quote, raw, formatted)


def _string_state(quote: str, raw: bool, formatted: bool) -> str:
    return f"{'f' * formatted}{'r' * raw}{quote}"


def _look(quote: str) -> _TokenType:
    return String.Double if '"' in quote else String.Single


def _string_rules(quote: str, raw: bool, formatted: bool) -> list[Any]:
    """The inside of a string. One in single quotes has no rule for a line's end, where Pygments then begins anew."""
    look = _look(quote)
    long = len(quote) == 3
    rules: list[Any] = [(quote, look, "#pop")]
    if formatted:
        rules += [(r"\{\{|\}\}", String.Escape), (r"\{", String.Interpol, "value" if long else "value_in_line")]
    if not raw:
        rules.append((_ESCAPE, String.Escape))
    rules += [
        (r"\\[^{}]" if formatted else r"\\[\s\S]", look),
        (r"[^{}\\\n'\"]+" if formatted else r"[^\\\n'\"]+", look),
    ]
    rules.append((r"[\\'\"\n]" if long else r"[\\'\"]", look))
    return rules


_STRINGS = [
    (quote, raw, formatted)
    for formatted in (True, False)
    for raw in (True, False)
    for quote in _QUOTES
    if not raw or '"' in quote
]


# Behind a value: a name, a closing bracket or quote, and none of the words that another value follows.
_BEHIND_A_VALUE = r"(?<=[\w)\]'\"])" + "".join(rf"(?<!\b{word})" for word in ("else", "if", "or", "and", "not", "in"))


class GrLexer(RegexLexer):
    """Scripts of gradcli.

    `builtins`, true unless said otherwise, says whether the library's functions, constants and dtypes look different
    from other names; without them NumPy isn't loaded.
    """

    name = "gradcli"
    aliases = ("gradcli", "gr")
    filenames = ("*.gr",)
    mimetypes = ("text/x-gradcli",)

    def __init__(self, **options: Any) -> None:
        options.setdefault("stripnl", False)  # a script's first lines count
        super().__init__(**options)
        self.knows_builtins = get_bool_opt(options, "builtins", True)

    tokens = {  # noqa: RUF012 (Pygments' own way)
        "root": [
            (r"[\n\r]", Whitespace),
            include("statement"),
            include("expression"),
            (r"[\[\](){};]", Punctuation),
        ],
        # Only what begins a statement.
        "statement": [
            (rf"{_HEAD}(backward){_OPERAND}({_BLANK}*)", bygroups(Whitespace, Keyword, Whitespace), "backward"),
            (rf"{_HEAD}(check){_OPERAND}({_BLANK}*)", bygroups(Whitespace, Keyword, Whitespace), "check"),
            (rf"{_HEAD}(graph|explain){_OPERAND}", bygroups(Whitespace, Keyword)),
            (rf"{_HEAD}(const)(?={_BLANK}+(?!{_any_of(_WORDS)}){_NAME})", bygroups(Whitespace, Keyword.Declaration)),
            (rf"{_HEAD}({_any_of(_GRAD_MODES)})(?={_BLANK}*\{{)", bygroups(Whitespace, Keyword)),
            (rf"(\}})({_BLANK}*)(backward)\b", bygroups(Punctuation, Whitespace, Keyword)),
        ],
        # A statement's clause begins behind an operand, outside brackets.
        "backward": [
            (rf"{_BEHIND_A_VALUE}({_BLANK}+)(wrt|retain)\b", bygroups(Whitespace, Keyword)),
            include("clauses"),
        ],
        "check": [(rf"(?<=[\w)\]'\"])({_BLANK}+)(claim)\b", bygroups(Whitespace, Keyword)), include("clauses")],
        "clauses": [
            (r"[(\[{]", Punctuation, "brackets"),
            include("expression"),
            default("#pop"),
        ],
        "brackets": [
            (r"[\n\r]", Whitespace),
            include("statement"),
            include("closing"),
        ],
        "expression": [
            (rf"{_BLANK}+", Whitespace),
            (r"#[^\n]*", Comment.Single),
            (rf"\\(?={_BLANK}*\n)", Punctuation),
            (tables.NUMBER, _number),
            (r"\.\.\.", Punctuation),
            (
                rf"(\.)({_BLANK}*)({_NAME})('*)(?={_BLANK}*\()",
                bygroups(Punctuation, Whitespace, Name.Function, Operator),
            ),
            (rf"(\.)({_BLANK}*)({_NAME})('*)", bygroups(Punctuation, Whitespace, Name.Attribute, Operator)),
            (r"([fF])('+)(?=\()", _name),
            *(_string_start(*kind) for kind in _STRINGS if any(kind[1:])),
            (rf"(def)({_BLANK}+)({_NAME})", bygroups(Keyword.Declaration, Whitespace, Name.Function)),
            (_any_of(_CONSTANTS), Keyword.Constant),
            (_any_of(_OPERATOR_WORDS), Operator.Word),
            (_any_of(_IMPORT_WORDS), Keyword.Namespace),
            (_any_of(_WORDS - _CONSTANTS - _OPERATOR_WORDS - _IMPORT_WORDS), Keyword),
            (rf"({_NAME})('*)", _name),
            (r"(\))('*)", bygroups(Punctuation, Operator)),
            *(_string_start(*kind) for kind in _STRINGS if not any(kind[1:])),
            (_any_of(_SIGNS), Operator),
            (r"=", Operator),
            (r"[,.:]", Punctuation),
        ],
        # An expression in an f-string, up to its brace.
        "value": [(r"[\n\r]", Whitespace), (r"[(\[{]", Punctuation, "brackets"), include("value_in_line")],
        "value_in_line": [
            (r"\}", String.Interpol, "#pop"),
            (r"=(?!=)(?=\s*[:!}])", String.Interpol),
            (r"![rsa]", String.Interpol),
            (r":[^{}\n]*", String.Interpol),
            (r"[(\[{]", Punctuation, "brackets_in_line"),
            include("expression"),
        ],
        "brackets_in_line": [include("closing")],
        "closing": [
            (r"(\))('*)", bygroups(Punctuation, Operator), "#pop"),
            (r"[\]}]", Punctuation, "#pop"),
            (r"[(\[{]", Punctuation, "#push"),
            (r";", Punctuation),
            include("expression"),
        ],
        **{_string_state(*kind): _string_rules(*kind) for kind in _STRINGS},
    }
