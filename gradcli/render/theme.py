"""How everything looks: one table of styles, in the terminal's own sixteen colours.

A terminal's colours are its user's choice and readable on its background, light or dark; colours of our own wouldn't
be. What a style is for is its name; nothing else in gradcli names a colour.
"""

from __future__ import annotations

from rich.theme import Theme

STYLES = {
    # PyTorch's notation
    "tensor": "blue",  # the words `tensor`, `torch.Size`, `torch.return_types.max`
    "number": "cyan",
    "nonfinite": "bold red",  # nan and inf
    "truth": "cyan",  # True, False, None
    "string": "green",
    "flag": "yellow",  # requires_grad=True
    "grad_fn": "magenta",
    "dtype": "green",
    "size": "green",
    "field": "italic",  # values= of a result with parts
    "cut": "dim",  # the `...` of a summary
    # gradients
    "name": "bold",
    "gradient": "bold green",
    "header": "dim",
    "rule": "dim",
    "caption": "italic yellow",  # 2nd pass since zero_
    # diagnostics
    "error": "bold red",
    "warning": "bold yellow",
    "message": "bold",
    "gutter": "blue",
    "place": "underline",
    "caret": "bold red",
    "help": "bold cyan",
    "quoted": "cyan",  # `x` in a message
    # a script's own text
    "code.keyword": "magenta",
    "code.function": "blue",
    "code.number": "cyan",
    "code.string": "green",
    "code.comment": "dim italic",
    "code.operator": "default",
    # graphs, derivations, checks
    "passed": "bold green",
    "failed": "bold red",
    "reference": "dim cyan",  # to a node that's drawn elsewhere
    "leaf": "bold green",
    "constant": "dim",
}

CODE = {
    "Keyword": "code.keyword",
    "Name.Builtin": "code.function",
    "Name.Function": "code.function",
    "Literal.Number": "code.number",
    "Literal.String": "code.string",
    "Comment": "code.comment",
    "Operator.Word": "code.keyword",
    "Operator": "code.operator",
}
"""The style of each kind of token that Pygments tells apart; a kind not listed has that of what it's a kind of."""

THEME = Theme(STYLES)

MOST_HIGHLIGHTED = 50_000
"""Characters of a text beyond which its parts get no styles: that takes longer than anybody reads."""


def style_of_token(kind: object) -> str:
    """The style of a Pygments token type, such as Token.Literal.Number.Float."""
    path = str(kind).removeprefix("Token").removeprefix(".")
    while path:
        if path in CODE:
            return CODE[path]
        path = path.rpartition(".")[0]
    return ""
