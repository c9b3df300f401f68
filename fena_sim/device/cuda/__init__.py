"""CUDA through brian2cuda: on a graphics card, or its generated kernels on the CPU."""
