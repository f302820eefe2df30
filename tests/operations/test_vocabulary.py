"""Every function that a person who knows PyTorch may type is there, under its name and as torch's module has it."""

from __future__ import annotations

import pytest

from gradcli.engine import Tensor
from gradcli.language.dictionary import DICTIONARY
from gradcli.library.queries import ATTRIBUTES
from gradcli.library.vocabulary import method_of

TORCH = """
abs acos acosh add amax amin asin asinh atan atan2 atanh atleast_1d atleast_2d bmm broadcast_tensors broadcast_to cat
ceil chunk clamp clamp_max clamp_min clone contiguous cos cosh cross cumprod cumsum deg2rad diag diagonal diff dist div
dot double einsum erf erfc exp exp2 expand expand_as expm1 flatten flip float floor fmod frac gather hstack hypot
index_select inner kron lerp log log10 log1p log2 log_softmax logaddexp logdet logsumexp masked_fill masked_select
matmul matrix_exp max maximum mean median meshgrid min minimum mm movedim mT mul mv narrow neg norm outer permute
positive pow prod rad2deg ravel reciprocal remainder repeat reshape reshape_as roll round rsqrt select sigmoid sign sin
sinc sinh softmax sort split sqrt square squeeze stack std std_mean sub sum T t tan tanh tensordot tile to topk trace
transpose trapezoid tril triu true_divide trunc unbind unflatten unsqueeze var var_mean view view_as vstack where

addbmm addcdiv addcmul addmm addmv addr aminmax atleast_3d baddbmm block_diag cdist cholesky_inverse cholesky_solve
column_stack corrcoef cov cummax cummin cumulative_trapezoid diag_embed diagflat diagonal_scatter digamma dstack erfinv
fliplr flipud float_power fmax fmin gradient i0 index_add index_copy index_fill index_put lgamma logcumsumexp logit
masked_scatter mvlgamma nan_to_num nanmean nansum polygamma quantile repeat_interleave rot90 scatter scatter_add
scatter_reduce select_scatter slice_scatter take take_along_dim tensor_split unfold vdot xlogy
"""

LINALG = """
cholesky cross det eigh eigvalsh inv matrix_norm matrix_power multi_dot norm pinv qr slogdet solve solve_triangular svd
svdvals vector_norm cond diagonal lstsq vander vecdot
"""

FUNCTIONAL = """
binary_cross_entropy binary_cross_entropy_with_logits cosine_similarity cross_entropy elu gelu hardtanh huber_loss
kl_div l1_loss leaky_relu linear logsigmoid mish mse_loss nll_loss normalize relu relu6 selu silu smooth_l1_loss
softplus softsign adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d batch_norm bilinear celu conv1d conv2d conv3d conv_transpose1d
conv_transpose2d conv_transpose3d cosine_embedding_loss ctc_loss embedding embedding_bag gaussian_nll_loss glu
grid_sample group_norm hardshrink hardsigmoid hardswish hinge_embedding_loss instance_norm interpolate layer_norm
linear_cross_entropy local_response_norm margin_ranking_loss max_pool1d max_pool2d max_pool3d multi_margin_loss
multilabel_margin_loss multilabel_soft_margin_loss pad pairwise_distance pixel_shuffle pixel_unshuffle poisson_nll_loss
prelu rms_norm scaled_dot_product_attention soft_margin_loss softmin softshrink tanhshrink threshold triplet_margin_loss
unfold
"""

# Those that give real numbers for real ones: a spectrum is complex otherwise, and complex numbers aren't supported.
FFT = "fftshift ifftshift irfft irfft2 irfftn hfft hfft2 hfftn"

SPECIAL = """
entr erfcx i0e i1 i1e log_ndtr ndtr ndtri polygamma xlog1py digamma erf erfc erfinv exp2 expit expm1 gammaln i0 log1p
log_softmax logit logsumexp multigammaln psi round sinc softmax xlogy
"""

WITHOUT_DERIVATIVE = """
tensor zeros ones full empty eye arange linspace logspace zeros_like ones_like full_like rand randn randint randperm
rand_like randn_like normal bernoulli multinomial seed manual_seed one_hot item numel size len dim ndim shape dtype
tolist is_leaf requires_grad grad grad_fn retains_grad data is_contiguous stride nonzero unique bincount histc
searchsorted argmax argmin argsort allclose isclose equal eq ne lt le gt ge all any isnan isinf isfinite count_nonzero
zero_ fill_ copy_ clamp_ requires_grad_ detach_ normal_ uniform_ dropout rrelu gumbel_softmax
value_and_grad jacobian hessian jacrev jacfwd jvp vjp hvp vmap gradcheck gradgradcheck
"""

NAMES = [
    *(f"torch.{name}" for name in TORCH.split()),
    *(f"linalg.{name}" for name in LINALG.split()),
    *(f"F.{name}" for name in FUNCTIONAL.split()),
    *(f"fft.{name}" for name in FFT.split()),
    *(f"special.{name}" for name in SPECIAL.split()),
    *WITHOUT_DERIVATIVE.split(),
]


def is_known(name: str) -> bool:
    """Whether a script can say it: as a name, as a method or an attribute of a tensor, or as one of `F.`."""
    bare = name.removeprefix("torch.")
    if "." not in bare and (method_of(bare) or bare in ATTRIBUTES[Tensor]):
        return True
    return any(DICTIONARY.resolve(key) is not None for key in ((name,) if "." in name else (name, f"F.{name}")))


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_known(name: str) -> None:
    assert is_known(name)


def test_a_name_that_is_not_there_is_not_known() -> None:
    assert not is_known("torch.nothing_of_that_name")
    assert not is_known("linalg.relu")
