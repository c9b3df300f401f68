"""The kernels of `brian2_dense` for CUDA, through brian2cuda."""
