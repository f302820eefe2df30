"""Texts with fields, as `"{}: {:.3f}".format(name, x)` fills them."""

from __future__ import annotations

import string
from typing import Any

from gradcli.engine import Tensor
from gradcli.errors import GradcliError, NameFailure, TypeFailure
from gradcli.library.values import text_of


class Fields(string.Formatter):
    """str.format without the attributes and items that its fields can reach for."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        if "." in field_name or "[" in field_name:
            raise NameFailure(f"a format field is a number or a name, and this is `{field_name}`")
        return super().get_field(field_name, args, kwargs)

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        return text_of(value, quoted=True) if conversion == "r" else text_of(value) if conversion else value

    def format_field(self, value: Any, format_spec: str) -> Any:
        return format(value, format_spec) if format_spec or type(value) is Tensor else text_of(value)


def formatted(text: str, args: tuple[Any, ...], named: dict[str, Any]) -> str:
    """`"{} {}".format(...)` of a script."""
    try:
        return Fields().vformat(text, args, named)
    except GradcliError:
        raise
    except (IndexError, KeyError, ValueError) as problem:
        raise TypeFailure(f"this format doesn't fit its values: {problem}") from None
