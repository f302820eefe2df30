"""Writes more.json beside this file: what PyTorch gives for every case of tests/operations/cases_more.py.

Run it as make_ops.py is run, from the root of the repository: python -m tests.golden.make_more
"""

from tests.golden.make_ops import write
from tests.operations.cases_more import CASES, ERRORS, GOLDEN_FILE

if __name__ == "__main__":
    write(GOLDEN_FILE, CASES, ERRORS)
