"""Golden cases in which gradcli departs from PyTorch, each with its reason."""

DEPARTURES: dict[str, str] = {}
"""Not compared at all."""

SECOND_ORDER: dict[str, str] = {}
"""Compared in value and first derivative only."""

NAMES_DIFFER: dict[str, str] = {}
"""Whose grad_fn is called otherwise."""
