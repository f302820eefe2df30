"""torch.nn.functional: losses of whole sequences."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.operation import relabel
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import Flag, Text, Whole
from gradcli.library.functional import reduced
from gradcli.library.losses import whole
from gradcli.library.vocabulary import function

IMPOSSIBLE = -1e30
"""The logarithm of what can't be: finite, so that sums of such don't become nan, and beyond any probability."""


@function("F.ctc_loss", also=("ctc_loss",))
def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: Whole = 0,
             reduction: Text = "mean", zero_infinity: Flag = False):  # fmt: skip
    """Minus the log-probability of label sequences, summed over their alignments, of log_probs (time, N, classes).

    An alignment says one class a step of time, each label for one step or more, and the blank class before, between and
    after labels, as it must between two that are equal. The mean is that of the losses by their target's length.

    Source: Graves et al., "Connectionist Temporal Classification", section 4.1, in logarithms.

    Shapes: (T, N, C), (N, S) or (the sum of target_lengths), (N), (N) -> (), or (T, C), (S), (), () -> (); with
        reduction="none" (N) or (); labels are whole numbers from 0 to C - 1
    Derivative: (exp(log_probs) - p) / target_lengths / N, where p is the probability, given the labels, that a class
        stands at a time; that is the gradient of the scores behind log_softmax. With reduction="sum" without the
        divisors
    Kink: labels that have no alignment, being too many for their time, give inf, and with zero_infinity 0; the gradient
        is 0 in both, where PyTorch has nan for inf. (why: gradcli/library/sequence_losses.py)
    Example: scores = [[2., 1., 0.], [0., 3., 1.]]
        loss = ctc_loss(log_softmax(scores, 1), [1], 2, 1)
        loss
        backward loss
    """
    single = log_probs.ndim == 2
    logs = s.expand_dims(log_probs, 1) if single else log_probs
    if logs.ndim != 3:
        raise ShapeFailure(f"ctc_loss wants log_probs of shape (time, N, classes), and got {log_probs.shape}")
    steps, samples, classes = logs.shape
    if not 0 <= blank < classes:
        raise ValueFailure("blank must be in label range")
    spans, counts = (whole(as_tensor(v)).reshape(-1) for v in (input_lengths, target_lengths))
    for lengths, name in ((spans, "input_lengths"), (counts, "target_lengths")):
        if lengths.shape != (samples,):
            raise ShapeFailure(f"{name} must be of size batch_size", help=f"the batch has {samples} samples")
    if np.any(spans > steps) or np.any(spans < 0) or np.any(counts < 0):
        raise ValueFailure(f"Expected input_lengths to have value at most {steps}, and lengths not below 0")
    labels = _extended(whole(targets), counts, blank)
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise ValueFailure(f"a target is out of range: classes count from 0 to {classes - 1}")
    losses = e.add(_aligned(logs, labels, spans, counts), _normalizing(logs, spans))
    # No step from a loss of inf is better than another: the slope is 0 there, with zero_infinity or without.
    possible = losses.array < -IMPOSSIBLE / 2
    losses = e.where(Tensor(possible, CUT), losses, 0.0 if zero_infinity else inf)
    if single and reduction == "none":
        return s.reshape(losses, ())
    if reduction == "mean":
        return r.mean(e.div(losses, Tensor(np.maximum(counts, 1).astype(losses.dtype), CUT)))
    return relabel(losses, "CtcLossBackward0") if reduction == "none" else reduced(losses, reduction)


def _extended(targets: np.ndarray, counts: np.ndarray, blank: int) -> np.ndarray:
    """The labels with a blank before, between and after them: (N, 2 * longest + 1); targets may stand in one row."""
    longest = int(counts.max(initial=0))
    labels = np.full((len(counts), 2 * longest + 1), blank, np.int64)
    within = np.arange(longest) < counts[:, None]
    if targets.ndim == 1 and len(counts) != 1:
        if len(targets) < counts.sum():
            raise ShapeFailure(f"Expected tensor to have size at least {counts.sum()}, but got size {len(targets)}")
        labels[:, 1::2][within] = targets[: counts.sum()]
    else:
        rows = targets.reshape(len(counts), -1)
        if rows.shape[1] < longest:
            raise ShapeFailure(f"Expected tensor to have size at least {longest} at dimension 1, but got {rows.shape}")
        labels[:, 1::2][within] = rows[:, :longest][within]
    return labels


def _aligned(logs: Tensor, labels: np.ndarray, spans: np.ndarray, counts: np.ndarray) -> Tensor:
    """Minus the log-probability of each sample's labels: one step of the recursion for each step of time."""
    samples, width = labels.shape
    dtype = logs.dtype
    rows = np.arange(samples)[:, None]
    emitted = e.clamp_numbers(logs, IMPOSSIBLE, None)

    def constant(allowed: Any) -> Tensor:
        return Tensor(np.where(allowed, 0, IMPOSSIBLE).astype(dtype), CUT)

    def shifted(total: Tensor, by: int) -> Tensor:
        ahead = constant(np.zeros((samples, min(by, width)), bool))
        return s.concatenate([ahead, s.getitem(total, (slice(None), slice(0, max(width - by, 0))))], 1)

    # From a label to the next one, past the blank between them: unless they are equal.
    skips = np.zeros(labels.shape, bool)
    skips[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
    may_skip = constant(skips)
    total = constant(np.broadcast_to(np.arange(width) == 0, labels.shape))
    for step in range(logs.shape[0]):
        come = e.logaddexp(e.logaddexp(total, shifted(total, 1)), e.add(shifted(total, 2), may_skip))
        now = e.add(come, s.getitem_index(emitted, (step, rows, labels)))
        total = e.where(Tensor(step < spans[:, None], CUT), now, total)
    last = 2 * counts
    ends = s.getitem_index(total, (rows[:, 0], last))
    before = s.getitem_index(total, (rows[:, 0], np.maximum(last - 1, 0)))
    return e.neg(e.logaddexp(ends, e.add(before, constant(counts > 0))))


def _normalizing(logs: Tensor, spans: np.ndarray) -> Tensor:
    """Zeros, with the gradient exp(log_probs).

    torch's gradient is that of the scores which log_softmax made log_probs of; the two agree behind log_softmax.
    """
    running = np.arange(logs.shape[0])[:, None, None] < spans[:, None]
    total = r.sum_dim(e.where(Tensor(running, CUT), e.exp(logs), 0.0), (0, 2), False)
    return e.sub(total, Tensor(total.array, CUT))
