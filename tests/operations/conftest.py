"""The comparisons that test modules share say as much when they fail as those of a test module."""

import pytest

pytest.register_assert_rewrite("tests.operations.golden")
