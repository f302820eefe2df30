"""The cases of torch.fft's functions from real numbers to real numbers, by the function that they are about.

Sizes are odd and even, shorter and longer than the input's own; dims count from both ends.
"""

ONE = ("{f}(v)", "{f}(x)", "{f}(x, 5)", "{f}(x, 7)", "{f}(x, n=4)", "{f}(x, 3)", "{f}(x, 2)", "{f}(x, 1)", "{f}(x, 13)",
    "{f}(x, dim=0)", "{f}(x, 6, 0)", "{f}(cube, dim=-2)", "{f}(cube, 5, 1)", '{f}(v, norm="ortho")',
    '{f}(v, 7, norm="forward")', '{f}(x, 5, 0, "backward")', '{f}(x, 9, -2, "ortho")', "{f}(pick)", "{f}(mask)",
    "{f}(single)", "{f}(one, 1)", "{f}(one, 4)", "{f}(blank, 3)", "{f}(blank2.T, 4)", "{f}({f}(x * x, 5) * v[0], 6)",
    "{f}(x, 7)[:, 2] / {f}(y, 7)[:, 3]", "{f}(nonfinite)")  # fmt: skip
TWO = ("{f}(x)", "{f}(cube)", "{f}(x, (3, 5))", "{f}(x, s=(4, 4))", "{f}(x, (-1, 9))", "{f}(x, (2, -1))",
    "{f}(cube, dim=(0, 1))", "{f}(cube, dim=(2, 0))", "{f}(cube, (3, 4), (-1, -3))", '{f}(x, norm="ortho")',
    '{f}(x, (5, 3), norm="forward")', '{f}(cube, None, (0, 2), "backward")', "{f}(x, dim=(0,))", "{f}(x, (7,), (1,))",
    "{f}(index)", "{f}(x.to(float32))", "{f}(blank2, (2, 3))", "{f}(x * y, (2, 2)) * m[0, 0]")  # fmt: skip
MORE = ("{f}(v)", "{f}(x)", "{f}(cube)", "{f}(cube, (3, 5))", "{f}(cube, 6)", "{f}(cube, s=(2, 3, 7))",
    "{f}(cube, (-1, 2, -1))", "{f}(cube, dim=1)", "{f}(cube, dim=(1, -1, 0))", "{f}(cube, (3, 4), (2, 0))",
    '{f}(cube, norm="ortho")', '{f}(cube, norm="forward")', '{f}(cube, (3, 3), norm="backward")', "{f}(pick)",
    "{f}(cube.to(float32), (3, 4, 5))", "{f}({f}(cube) * cube[0, 0, 0], dim=(0, 1))",
    "{f}(volume, dim=(1, 4, 2))")  # fmt: skip

WRONG_ONE = ("{f}(s)", "{f}(one)", "{f}(blank)", "{f}(x, 0)", "{f}(x, -1)", "{f}(x, 2.5)", "{f}(x, dim=2)",
    "{f}(x, dim=-3)", '{f}(x, norm="unitary")', "{f}(x.half())", "{f}(x, dim=None)", "{f}(x, dim=(0, 1))")  # fmt: skip
WRONG_TWO = ("{f}(v)", "{f}(s)", "{f}(x, 5)", "{f}(x, (5,))", "{f}(x, (2, 3, 4))", "{f}(x, (0, 4))", "{f}(x, (4, 0))",
    "{f}(x, (-2, 4))", "{f}(x, dim=(0, 0))", "{f}(x, dim=(1, -1))", "{f}(x, dim=())", "{f}(x, dim=None)",
    "{f}(x, (3, 4), (1,))", '{f}(x, norm="")', "{f}(blank2)", "{f}(x[:, :1])", "{f}(x, dim=(0, 2))")  # fmt: skip
WRONG_MORE = ("{f}(s)", "{f}(s, dim=0)", "{f}(s, (1,))", "{f}(x, (2, 3, 4))", "{f}(x, ())", "{f}(x, dim=())",
    "{f}(x, (3, 4), (1,))", "{f}(x, dim=(0, 5))", "{f}(x, dim=(0, -2))", '{f}(x, norm="ortho ")', "{f}(x.half())",
    "{f}(x, (2.5, 3))")  # fmt: skip

GROUPS = {
    "fft.irfft": (ONE, WRONG_ONE),
    "fft.hfft": (ONE, WRONG_ONE),
    "fft.irfft2": (TWO, WRONG_TWO),
    "fft.hfft2": (TWO, WRONG_TWO),
    "fft.irfftn": (MORE, WRONG_MORE),
    "fft.hfftn": (MORE, WRONG_MORE),
}


def _named(which: int) -> dict[str, tuple[str, ...]]:
    return {name: tuple(case.replace("{f}", name) for case in groups[which]) for name, groups in GROUPS.items()}


CASES, ERRORS = _named(0), _named(1)
