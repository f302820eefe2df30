"""Writes fourier.json beside this file: what PyTorch gives for every case of tests/operations/cases_fourier.py.

Run it as make_ops.py is run, with PyTorch 2.13.0 installed: `python -m tests.golden.make_fourier`.
"""

from tests.golden.make_ops import write
from tests.operations.cases_fourier import CASES, ERRORS
from tests.operations.inputs import GOLDEN_FILE

if __name__ == "__main__":
    write(GOLDEN_FILE.with_name("fourier.json"), CASES, ERRORS)
