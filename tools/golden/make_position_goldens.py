"""Reference values of the position schemes: tests/golden/positions/positions.json.

Frequencies are computed here in float64 from the equations of the papers and, before they are written, compared with
transformers' own float32 functions (and ALiBi slopes with its BLOOM) and with a few values worked out by hand. A case's
"config" has the names of frugal's PositionConfig, with head_dim, and length for the scheme that depends on it.

  RoPE      Su et al. 2021, arXiv 2104.09864: w_i = theta^(-2i/D)
  linear    Chen et al. 2023, arXiv 2306.15595: w_i / s
  ntk       theta * s^(D/(D-2)); dynamic: s replaced by s*l/L - (s-1) for a length l above L
  yarn      Peng et al. 2023, arXiv 2309.00071, with the ramp over pair indices that the authors' code uses
            (the paper's equation ramps over rotations: another function), cosine and sine times 0.1 ln s + 1
  llama3    Llama 3.1: long wavelengths divided by s, short ones kept, a linear blend between
  ALiBi     Press et al. 2021, arXiv 2108.12409

usage: make_position_goldens.py [OUT.json]      (torch, transformers 5.23, numpy)
"""
import json
import math
import os
import sys

import numpy as np
import torch
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.bloom.modeling_bloom import build_alibi_tensor

POSITIONS = [1, 5, 100, 4097]


def plain(dims, theta):
    return theta ** (-np.arange(0, dims, 2, dtype=np.float64) / dims)


def yarn(c, dims):
    length, s, theta = c["original_context"], c["factor"], c["theta"]
    bounds = [dims * math.log(length / (beta * 2 * math.pi)) / (2 * math.log(theta))
              for beta in (c.get("beta_fast", 32.0), c.get("beta_slow", 1.0))]
    if c.get("truncate", True):
        bounds = [math.floor(bounds[0]), math.ceil(bounds[1])]
    low, high = max(bounds[0], 0), min(bounds[1], dims - 1)
    ramp = np.clip((np.arange(dims // 2) - low) / ((high - low) or 0.001), 0, 1)
    frequency = plain(dims, theta)
    return frequency * (1 - ramp) + frequency / s * ramp


def yarn_temperature(c):
    def g(m):
        return 0.1 * m * math.log(c["factor"]) + 1 if c["factor"] > 1 else 1.0

    if c.get("attention_factor"):
        return c["attention_factor"]
    if c.get("mscale") and c.get("mscale_all_dim"):
        return g(c["mscale"]) / g(c["mscale_all_dim"])
    return g(1.0)


def llama3(c, dims):
    frequency = plain(dims, c["theta"])
    rotations = c["original_context"] * frequency / (2 * math.pi)  # within the original context
    t = (rotations - c["low_freq_factor"]) / (c["high_freq_factor"] - c["low_freq_factor"])
    t = np.clip(t, 0, 1)
    return (1 - t) * frequency / c["factor"] + t * frequency


def frequencies(c):
    """inv_freq in float64 and the factor of cosine and sine, for one configuration."""
    dims = int(c["head_dim"] * c.get("partial", 1.0))
    theta, scaling, power = c["theta"], c.get("scaling", "none"), dims / (dims - 2)
    if scaling == "none":
        return plain(dims, theta), 1.0
    if scaling == "linear":
        return plain(dims, theta) / c["factor"], 1.0
    if scaling == "ntk":
        return plain(dims, theta * c["factor"] ** power), 1.0
    if scaling == "dynamic":
        stretch = max(c["length"] / c["original_context"], 1.0)
        return plain(dims, theta * (c["factor"] * stretch - (c["factor"] - 1)) ** power), 1.0
    if scaling == "yarn":
        return yarn(c, dims), yarn_temperature(c)
    return llama3(c, dims), 1.0


def from_transformers(c):
    """The same from transformers in float32, or None where it has no such scheme."""
    if c.get("scaling", "none") in ("none", "ntk"):
        return None
    rope = {"rope_type": c["scaling"], "rope_theta": c["theta"], "partial_rotary_factor": c.get("partial", 1.0)}
    rope |= {k: c[k] for k in ("factor", "low_freq_factor", "high_freq_factor", "beta_fast", "beta_slow", "mscale",
                               "mscale_all_dim", "attention_factor", "truncate") if k in c}
    if c["scaling"] in ("yarn", "llama3"):
        rope["original_max_position_embeddings"] = c["original_context"]
    longest = c.get("original_context", 4096) * (1 if c["scaling"] == "dynamic" else c["factor"])
    config = LlamaConfig(hidden_size=4 * c["head_dim"], num_attention_heads=4, head_dim=c["head_dim"],
                         max_position_embeddings=int(longest), rope_parameters=rope)
    inv_freq, factor = ROPE_INIT_FUNCTIONS[c["scaling"]](config, seq_len=c.get("length"))
    return inv_freq.double().numpy(), factor


def rope_case(name, **c):
    inv_freq, factor = frequencies(c)
    other = from_transformers(c)
    if other is not None:
        assert np.allclose(inv_freq, other[0], rtol=3e-6, atol=0), (name, inv_freq, other[0])
        assert abs(factor - other[1]) < 1e-9, (name, factor, other[1])
    angles = np.outer(POSITIONS, inv_freq)
    table = {part: np.round(factor * f(angles), 12).tolist() for part, f in (("cos", np.cos), ("sin", np.sin))}
    return {"name": name, "config": c, "attention_factor": factor, "inv_freq": inv_freq.tolist(), **table}


def alibi_slopes(heads):
    power = 2 ** int(math.log2(heads))
    slopes = [2.0 ** (-8 * i / power) for i in range(1, power + 1)]
    slopes += [2.0 ** (-8 * i / (2 * power)) for i in range(1, 2 * power, 2)][: heads - power]
    bloom = build_alibi_tensor(torch.ones(1, 2), heads, torch.float32).reshape(heads, 2)[:, 1]
    assert np.allclose(slopes, bloom.numpy(), rtol=1e-6), (heads, slopes, bloom)
    return slopes


def rotated(position, interleaved):
    """A head of 1..8 at a position, theta 10000, in either layout of the pairs."""
    head, angle = np.arange(1.0, 9.0), position * plain(8, 10000.0)
    first, second = (head[0::2], head[1::2]) if interleaved else (head[:4], head[4:])
    pair = first * np.cos(angle) - second * np.sin(angle), first * np.sin(angle) + second * np.cos(angle)
    out = np.stack(pair, 1).reshape(-1) if interleaved else np.concatenate(pair)
    return {"position": position, "interleaved": interleaved, "head": head.tolist(), "out": out.tolist()}


def all_cases():
    llama = dict(scaling="llama3", low_freq_factor=1.0, high_freq_factor=4.0, original_context=8192, theta=500000.0)
    deep = dict(scaling="yarn", head_dim=64, theta=10000.0, factor=40.0, original_context=4096)
    return [
        rope_case("default-8", head_dim=8, theta=10000.0),
        rope_case("default-64", head_dim=64, theta=100000.0),
        rope_case("partial-quarter", head_dim=64, theta=10000.0, partial=0.25),
        rope_case("partial-0.4", head_dim=80, theta=10000.0, partial=0.4),
        rope_case("linear", head_dim=64, theta=10000.0, scaling="linear", factor=4.0),
        rope_case("linear-partial", head_dim=64, theta=10000.0, partial=0.5, scaling="linear", factor=2.0),
        rope_case("ntk", head_dim=128, theta=10000.0, scaling="ntk", factor=8.0),
        rope_case("dynamic-short", head_dim=64, theta=10000.0, scaling="dynamic", factor=2.0, original_context=4096,
                  length=4096),
        rope_case("dynamic-8192", head_dim=64, theta=10000.0, scaling="dynamic", factor=2.0, original_context=4096,
                  length=8192),
        rope_case("dynamic-8192-128", head_dim=128, theta=10000.0, scaling="dynamic", factor=2.0,
                  original_context=4096, length=8192),
        rope_case("yarn-16", head_dim=128, theta=10000.0, scaling="yarn", factor=16.0, original_context=4096),
        rope_case("yarn-one", head_dim=64, theta=10000.0, scaling="yarn", factor=1.0, original_context=4096),
        rope_case("yarn-betas", head_dim=64, theta=1000000.0, scaling="yarn", factor=4.0, original_context=32768,
                  beta_fast=16.0, beta_slow=2.0),
        rope_case("yarn-attention-factor", **deep, attention_factor=1.25),
        rope_case("yarn-mscale", **deep, mscale=1.0, mscale_all_dim=0.707),
        rope_case("yarn-untruncated", **deep, truncate=False),
        rope_case("llama3-8", head_dim=128, factor=8.0, **llama),
        rope_case("llama3-32", head_dim=64, factor=32.0, **llama),
    ]


def check_by_hand(cases):
    by_name = {case["name"]: case for case in cases}

    def theta_of(name):  # the base that the second frequency implies
        case = by_name[name]
        return case["inv_freq"][1] ** (-case["config"]["head_dim"] / 2)

    assert abs(theta_of("ntk") - 82684.62) < 0.01 and abs(theta_of("dynamic-8192-128") - 30527.74) < 0.01
    assert by_name["dynamic-short"]["inv_freq"] == plain(64, 10000.0).tolist()
    yarn_values = {20: 5.623413e-2, 21: 4.694086e-2, 30: 8.526844e-3, 45: 1.517716e-4, 63: 7.217387e-6}
    for i, value in yarn_values.items():
        assert abs(by_name["yarn-16"]["inv_freq"][i] / value - 1) < 1e-6
    assert abs(by_name["yarn-16"]["attention_factor"] - 1.277259) < 1e-6
    divisors = plain(128, 500000.0) / np.array(by_name["llama3-8"]["inv_freq"])
    assert np.allclose(divisors[28:36], [1, 1.207484, 1.553415, 2.026313, 2.694530, 3.684253, 5.257327, 8], atol=1e-6)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../tests/golden/positions/positions.json")
    cases = all_cases()
    check_by_hand(cases)
    lines = {"rope": cases, "rotate": [rotated(p, i) for p in (1, 7) for i in (False, True)],
             "alibi": [{"heads": heads, "slopes": alibi_slopes(heads)} for heads in (8, 9, 12, 16)]}
    with open(out, "w") as f:  # one case a line
        blocks = [f'"{key}": [\n' + ",\n".join(map(json.dumps, value)) + "\n]" for key, value in lines.items()]
        f.write('{"positions": ' + json.dumps(POSITIONS) + ",\n" + ",\n".join(blocks) + "}\n")
    print(f"{len(cases)} rope cases agree with transformers and the values by hand; {os.path.getsize(out)} bytes")


if __name__ == "__main__":
    main()
