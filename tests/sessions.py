"""Sessions in which a script has run, for tests of what it left behind."""

from __future__ import annotations

import numpy as np

from gradcli import Session, tensor


def ran(script: str, **values: np.ndarray) -> Session:
    """A session in explicit mode whose `values` are leaves, after a script."""
    session = Session(tracking="explicit", seed=7)
    for name, value in values.items():
        session[name] = tensor(value, requires_grad=True)
    list(session.run(script))
    return session
