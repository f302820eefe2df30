"""What no start loads, and a script only where it names it: the names that stand in each module of the library.

A test compares them with what the modules enter.
"""

LATER = {
    "activations": (
        "F.relu silu F.silu mish F.mish relu6 F.relu6 selu F.selu hardsigmoid F.hardsigmoid hardswish F.hardswish "
        "logsigmoid F.logsigmoid gelu F.gelu elu F.elu celu F.celu leaky_relu F.leaky_relu hardtanh F.hardtanh "
        "threshold F.threshold softsign F.softsign tanhshrink F.tanhshrink hardshrink F.hardshrink softshrink "
        "F.softshrink prelu F.prelu rrelu F.rrelu glu F.glu F.softmin F.normalize F.gumbel_softmax"
    ),
    "activations_in_place": (
        "celu_ F.celu_ selu_ F.selu_ rrelu_ F.rrelu_ threshold_ F.threshold_ F.elu_ F.leaky_relu_ F.hardtanh_"
    ),
    "added_products": "addmm addmv addr baddbmm addbmm addcmul addcdiv",
    "arranging": (
        "atleast_2d atleast_3d broadcast_tensors meshgrid column_stack dstack cartesian_prod combinations "
        "diag_embed diagflat rot90 repeat_interleave fft.fftshift fft.ifftshift"
    ),
    "autograd_functional": (
        "torch.autograd.functional.jacobian torch.autograd.functional.hessian torch.autograd.functional.vjp "
        "torch.autograd.functional.jvp torch.autograd.functional.hvp torch.autograd.functional.vhp"
    ),
    "casts": "clone",
    "comparisons": (
        "eq ne lt le gt ge greater less not_equal greater_equal less_equal isnan isinf isfinite logical_not "
        "isclose allclose equal logical_and logical_or logical_xor"
    ),
    "convolutions": (
        "conv1d F.conv1d conv_transpose1d F.conv_transpose1d conv2d F.conv2d conv_transpose2d F.conv_transpose2d "
        "conv3d F.conv3d conv_transpose3d F.conv_transpose3d F.unfold F.fold"
    ),
    "decompositions": (
        "linalg.cholesky cholesky linalg.cholesky_ex cholesky_solve cholesky_inverse linalg.eigh linalg.eigvalsh "
        "linalg.svd linalg.svdvals svd linalg.qr qr linalg.householder_product orgqr ormqr"
    ),
    "distances": "F.cosine_similarity cosine_similarity F.pairwise_distance pairwise_distance F.pdist pdist",
    "distributions": "normal bernoulli multinomial",
    "expanding": "broadcast_to tile flip fliplr flipud roll",
    "extremes": "max min amax amin argmax argmin median sort argsort topk",
    "files": "load save",
    "floating": (
        "fmax fmin nan_to_num copysign frexp ldexp nextafter float_power fill sgn angle real conj conj_physical "
        "resolve_conj resolve_neg"
    ),
    "fourier": "fft.irfft fft.irfft2 fft.irfftn fft.hfft fft.hfft2 fft.hfftn",
    "functional": (
        "softplus F.softplus F.mse_loss F.l1_loss F.binary_cross_entropy_with_logits F.binary_cross_entropy "
        "F.nll_loss F.cross_entropy F.linear F.one_hot one_hot"
    ),
    "gradient_checks": "gradcheck torch.autograd.gradcheck gradgradcheck torch.autograd.gradgradcheck",
    "grids": "F.grid_sample F.affine_grid",
    "jacobians": "jacrev torch.func.jacrev jacfwd torch.func.jacfwd torch.func.hessian jacobian hessian hvp vhp",
    "layers": (
        "F.bilinear bilinear F.embedding embedding F.embedding_bag F.scaled_dot_product_attention F.dropout "
        "dropout F.dropout1d F.dropout2d F.dropout3d F.alpha_dropout pixel_shuffle F.pixel_shuffle "
        "pixel_unshuffle F.pixel_unshuffle channel_shuffle F.channel_shuffle"
    ),
    "linear_algebra": (
        "linalg.inv inverse linalg.inv_ex det linalg.det slogdet linalg.slogdet logdet linalg.pinv pinverse "
        "linalg.matrix_rank matrix_exp linalg.matrix_exp linalg.diagonal"
    ),
    "losses": (
        "F.huber_loss F.smooth_l1_loss F.kl_div kl_div F.poisson_nll_loss poisson_nll_loss F.gaussian_nll_loss "
        "F.linear_cross_entropy"
    ),
    "lu": "linalg.lu linalg.lu_factor linalg.lu_factor_ex lu lu_unpack linalg.lu_solve lu_solve",
    "mapping": "vmap torch.func.vmap",
    "margin_losses": (
        "F.margin_ranking_loss margin_ranking_loss F.hinge_embedding_loss hinge_embedding_loss F.soft_margin_loss "
        "F.multi_margin_loss F.multilabel_margin_loss F.multilabel_soft_margin_loss F.cosine_embedding_loss "
        "cosine_embedding_loss F.triplet_margin_loss triplet_margin_loss F.triplet_margin_with_distance_loss"
    ),
    "matrix_norms": "linalg.matrix_norm linalg.norm linalg.cond dist cdist diff cov corrcoef",
    "matrix_products": (
        "linalg.multi_dot chain_matmul matrix_power linalg.matrix_power vdot linalg.vecdot linalg.cross cross "
        "kron tensordot block_diag linalg.vander vander"
    ),
    "max_pooling": (
        "max_pool1d F.max_pool1d F.adaptive_max_pool1d adaptive_max_pool1d F.max_unpool1d max_pool2d F.max_pool2d "
        "F.adaptive_max_pool2d F.max_unpool2d max_pool3d F.max_pool3d F.adaptive_max_pool3d F.max_unpool3d"
    ),
    "normalizations": (
        "layer_norm F.layer_norm rms_norm F.rms_norm group_norm F.group_norm F.batch_norm batch_norm "
        "F.instance_norm F.local_response_norm"
    ),
    "parts": (
        "cat concat concatenate stack vstack row_stack hstack atleast_1d split chunk unbind select narrow gather "
        "take_along_dim index_select masked_select nonzero take"
    ),
    "pooling": (
        "avg_pool1d F.avg_pool1d F.lp_pool1d adaptive_avg_pool1d F.adaptive_avg_pool1d F.avg_pool2d F.lp_pool2d "
        "F.adaptive_avg_pool2d F.avg_pool3d F.lp_pool3d F.adaptive_avg_pool3d"
    ),
    "products": "dot matmul linalg.matmul mm mv bmm outer ger inner trace einsum",
    "quantiles": "quantile nanquantile msort kthvalue mode",
    "reducing": (
        "sum mean prod var std norm linalg.vector_norm cumsum cumprod logsumexp softmax F.softmax special.softmax "
        "log_softmax F.log_softmax special.log_softmax all any count_nonzero"
    ),
    "resampling": "F.pad F.interpolate F.upsample_nearest F.upsample_bilinear F.upsample",
    "running": "cummax cummin logcumsumexp trapezoid trapz cumulative_trapezoid gradient renorm",
    "scattering": (
        "scatter scatter_add scatter_reduce index_add index_copy index_fill index_reduce index_put put "
        "masked_scatter select_scatter slice_scatter diagonal_scatter as_strided_scatter"
    ),
    "sequence_losses": "F.ctc_loss ctc_loss",
    "special": (
        "special.erfc special.logsumexp sinc special.sinc lgamma special.gammaln digamma special.digamma "
        "special.psi erfinv special.erfinv i0 special.i0 special.i0e special.i1 special.i1e special.erfcx "
        "special.ndtr special.ndtri special.log_ndtr special.entr logit special.logit polygamma special.polygamma "
        "mvlgamma special.multigammaln special.round xlogy special.xlogy special.xlog1py logaddexp2"
    ),
    "splitting": "tensor_split hsplit vsplit dsplit split_with_sizes",
    "statistics": "std_mean var_mean aminmax nansum nanmean nanmedian bincount histc unique searchsorted bucketize",
    "strides": "as_strided",
    "systems": (
        "linalg.solve linalg.solve_ex linalg.solve_triangular triangular_solve linalg.lstsq linalg.tensorinv "
        "linalg.tensorsolve"
    ),
    "transforms": (
        "torch.func.grad value_and_grad torch.func.value_and_grad grad_and_value torch.func.grad_and_value vjp "
        "torch.func.vjp jvp torch.func.jvp"
    ),
}
"""Functions, by the module that has them."""

LATER_METHODS = {
    "arranging": "sum_to_size",
    "casts": "double float half long int short bool byte to type_as contiguous",
    "distributions": "bernoulli_",
    "expanding": "expand expand_as repeat",
    "extremes": "max min",
    "floating": "float_power_",
    "reducing": "sum",
    "running": "renorm_",
    "special": "polygamma",
    "strides": "unfold",
}
"""Names behind a dot alone."""
