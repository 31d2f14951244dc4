#!/usr/bin/env python3
"""Goldens of the block formats, written to tests/golden/blocks: usage make_block_goldens.py LIBGGML_BASE_SO

 - TYPE.random, TYPE.random.f32: blocks of random bits (scales finite) and what the gguf package reads from them.
 - input.f32, TYPE.quantised: rows of floats and what the reference writes for them: the gguf package for the legacy
   types, ggml_quantize_chunk of a llama.cpp build (LIBGGML_BASE_SO) for the K types, which the package cannot write.

Needs numpy and gguf.
"""
import ctypes
import pathlib
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Q

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "blocks"
LEGACY = [Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q8_0]
K = [Q.Q2_K, Q.Q3_K, Q.Q4_K, Q.Q5_K, Q.Q6_K]
HALVES = {Q.Q4_0: [0], Q.Q4_1: [0, 2], Q.Q5_0: [0], Q.Q5_1: [0, 2], Q.Q8_0: [0], Q.Q2_K: [80, 82], Q.Q3_K: [108],
          Q.Q4_K: [0, 2], Q.Q5_K: [0, 2], Q.Q6_K: [208]}  # where a block's half-precision scales stand


def random_blocks(rng, kind):
    """Two super-blocks, or sixteen blocks of 32, of random bits; 512 elements."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    raw = rng.integers(0, 256, (512 // block, size), dtype=np.uint8)
    for at in HALVES[kind]:
        halves = rng.normal(0, 0.05, len(raw)).astype(np.float16)
        raw[:, at:at + 2] = halves.view(np.uint8).reshape(-1, 2)
    raw[0, HALVES[kind][0]:HALVES[kind][0] + 2] = [1, 0]  # the smallest subnormal
    return raw.reshape(1, -1)


def inputs(rng):
    """Eight rows of 256: weights-like, heavy-tailed, one-sided, tiny, with an outlier, nearly constant, zero."""
    x = rng.normal(0, 0.02, (8, 256))
    x[2] = rng.standard_t(2, 256) * 0.02
    x[3] = np.abs(x[3])
    x[4] *= 1e-6
    x[5, 17] = 3.0
    x[6] = 0.5 + x[6] * 1e-3
    x[7] = 0
    x[7, :64] = rng.normal(0, 1, 64)
    return x.astype(np.float32)


def k_quantised(lib, kind, x):
    out = np.zeros(gguf.quant_shape_to_byte_shape(x.shape, kind), np.uint8)
    lib.ggml_quantize_chunk.restype = ctypes.c_size_t
    lib.ggml_quantize_chunk(ctypes.c_int(int(kind)), x.ctypes.data_as(ctypes.c_void_p),
                            out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(0), ctypes.c_int64(x.shape[0]),
                            ctypes.c_int64(x.shape[1]), None)
    return out


def main():
    lib = ctypes.CDLL(sys.argv[1])
    OUT.mkdir(parents=True, exist_ok=True)
    x = inputs(np.random.default_rng(7))
    (OUT / "input.f32").write_bytes(x.tobytes())
    for kind in LEGACY + K:
        name = kind.name.lower()
        raw = random_blocks(np.random.default_rng(int(kind)), kind)
        (OUT / f"{name}.random").write_bytes(raw.tobytes())
        (OUT / f"{name}.random.f32").write_bytes(gguf.dequantize(raw, kind).astype(np.float32).tobytes())
        found = gguf.quantize(x, kind) if kind in LEGACY else k_quantised(lib, kind, x)
        (OUT / f"{name}.quantised").write_bytes(found.tobytes())


if __name__ == "__main__":
    main()
