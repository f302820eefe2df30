"""Every golden case: gradcli's values, dtypes, grad_fn names, gradients and second derivatives are PyTorch's.

PyTorch's are in tests/golden/ops.json, made by tests/golden/make_ops.py. Where gradcli departs on purpose, the case
stands in DEPARTURES with the reason.
"""

from __future__ import annotations

from tests.operations.departures import DEPARTURES, NAMES_DIFFER, SECOND_ORDER
from tests.operations.golden import golden_tests
from tests.operations.inputs import read_golden

GOLDEN = read_golden()

test_value_and_gradients, test_grad_fn_has_pytorch_name, test_what_pytorch_refuses_is_refused = golden_tests(
    GOLDEN, DEPARTURES, SECOND_ORDER, NAMES_DIFFER
)
