#!/usr/bin/env python3
"""Goldens of the type mixes, written to tests/golden/mixes.json: usage make_mix_goldens.py LLAMA_QUANTIZE

For small models of several shapes, the types that `llama-quantize --dry-run` chooses for every tensor and mix, and what
it says when it does the work where a dry run says nothing. Needs numpy and gguf.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import gguf
import numpy as np

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "mixes.json"
MIXES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_S",
         "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K"]
SHAPES = {  # layers, width, heads, key/value heads, feed-forward width, experts, tied
    "grouped": (30, 256, 4, 1, 512, 0, True),
    "odd width": (9, 96, 3, 3, 256, 0, True),
    "untied": (16, 256, 4, 2, 272, 0, False),
    "80 layers": (80, 256, 8, 1, 256, 0, False),
    "8 experts": (8, 256, 4, 2, 256, 8, False),
    "4 experts": (8, 256, 4, 4, 256, 4, True),
}


def tensors(shape):
    layers, width, heads, kv, ff, experts, tied = shape
    head = width // heads
    yield "token_embd.weight", (64, width)
    yield "output_norm.weight", (width,)
    if not tied:
        yield "output.weight", (64, width)
    for n in range(layers):
        p = f"blk.{n}."
        yield p + "attn_norm.weight", (width,)
        yield p + "attn_q.weight", (heads * head, width)
        yield p + "attn_k.weight", (kv * head, width)
        yield p + "attn_v.weight", (kv * head, width)
        yield p + "attn_output.weight", (width, heads * head)
        yield p + "ffn_norm.weight", (width,)
        stack = (experts,) if experts else ()
        end = "_exps" if experts else ""
        if experts:
            yield p + "ffn_gate_inp.weight", (experts, width)
        yield p + f"ffn_gate{end}.weight", stack + (ff, width)
        yield p + f"ffn_up{end}.weight", stack + (ff, width)
        yield p + f"ffn_down{end}.weight", stack + (width, ff)


def write(path, shape):
    layers, width, heads, kv, ff, experts, _ = shape
    w = gguf.GGUFWriter(path, "llama")
    w.add_block_count(layers)
    w.add_context_length(64)
    w.add_embedding_length(width)
    w.add_feed_forward_length(ff)
    w.add_head_count(heads)
    w.add_head_count_kv(kv)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(width // heads)
    w.add_vocab_size(64)
    w.add_tokenizer_model("none")
    if experts:
        w.add_expert_count(experts)
        w.add_expert_used_count(2)
    for name, dims in tensors(shape):
        w.add_tensor(name, np.zeros(dims, np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def chosen(tool, path, mix):
    """Types by tensor, lower case."""
    said = subprocess.run([tool, "--dry-run", path, mix], capture_output=True, text=True, check=True)
    types = {}
    for line in (said.stdout + said.stderr).splitlines():
        found = re.match(r"\[ *\d+/ *\d+\] +(\S+) +- \[.*\], type = +(\w+),.*?(?:MiB -> .*\((\w+)\))?$", line)
        if found:
            types[found[1]] = (found[3] or found[2]).lower()
    return types


def main():
    models = []
    with tempfile.TemporaryDirectory() as folder:
        for title, shape in SHAPES.items():
            path = f"{folder}/m.gguf"
            write(path, shape)
            names = {n: list(d) for n, d in tensors(shape)}
            mixes = {}
            for mix in MIXES:
                types = chosen(sys.argv[1], path, mix)
                assert types.keys() == names.keys(), (mix, len(types), len(names))
                groups = {}
                for name in names:
                    groups.setdefault(types[name], []).append(name)
                plain = max(groups, key=lambda t: len(groups[t]))
                mixes[mix.lower()] = {"most": plain, **{t: n for t, n in groups.items() if t != plain and t != "f32"}}
                mixes[mix.lower()]["f32"] = sorted(n for n in groups.get("f32", []) if len(names[n]) > 1) if plain != "f32" else []
            layers, width, heads, kv, ff, experts, tied = shape
            models.append({"title": title, "layers": layers, "heads_per_kv": heads // kv, "experts": experts, "tied": tied,
                           "tensors": names, "mixes": mixes})
    OUT.write_text(json.dumps(models, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
