#!/usr/bin/env python3
"""Likelihoods of a text under caches that forget, restated from the papers' equations in float64.

    cache_restated.py MODEL IDS.json PREFIX OUT.json

MODEL is a Hugging Face directory of a Llama, or a GGUF file of one (read by the gguf package, dequantised). A plain
forward, token by token, with every layer's rows in a Python list for each key/value head; the first PREFIX tokens are
the prompt, which attends to itself as it is and is cut when it ends; then every EVERY tokens. OUT holds, for each cache,
the negative log-likelihoods of IDS[PREFIX:]. Shares no code with what it is compared with.
"""
import json
import pathlib
import sys

import numpy as np
import torch

EVERY = 16
torch.set_default_dtype(torch.float64)


def load(path):
    if path.endswith(".gguf"):
        import gguf
        r = gguf.GGUFReader(path)
        f = lambda k: r.fields[k].parts[r.fields[k].data[0]][0]
        w = {t.name: torch.tensor(gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float64)).reshape(*reversed([int(x) for x in t.shape]))
             for t in r.tensors}
        c = dict(layers=int(f("llama.block_count")), heads=int(f("llama.attention.head_count")), kv=int(f("llama.attention.head_count_kv")),
                 eps=float(f("llama.attention.layer_norm_rms_epsilon")), base=float(f("llama.rope.freq_base")), interleaved=True)
        return c, w
    from safetensors.torch import load_file
    config = json.loads((pathlib.Path(path) / "config.json").read_text())
    raw = {}
    for file in pathlib.Path(path).glob("*.safetensors"):
        raw.update(load_file(file))
    names = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
             "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
             "post_attention_layernorm": "ffn_norm"}
    w = {}
    for k, v in raw.items():
        if k.startswith("model.layers."):
            _, _, n, rest = k.split(".", 3)
            w[f"blk.{n}.{names[rest.rsplit('.', 1)[0]]}.weight"] = v.double()
        else:
            w[{"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}[k]] = v.double()
    return dict(layers=config["num_hidden_layers"], heads=config["num_attention_heads"], kv=config.get("num_key_value_heads", config["num_attention_heads"]),
                eps=config["rms_norm_eps"], base=config.get("rope_theta", 10000.0), interleaved=False), w


def turn(x, positions, base, interleaved):
    """x: rows x heads x D."""
    d = x.shape[-1]
    angle = positions[:, None] * base ** (-torch.arange(0, d, 2) / d)
    c, s = angle.cos()[:, None], angle.sin()[:, None]
    a, b = (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., :d // 2], x[..., d // 2:])
    y = torch.empty_like(x)
    first, second = a * c - b * s, b * c + a * s
    if interleaved:
        y[..., 0::2], y[..., 1::2] = first, second
    else:
        y[..., :d // 2], y[..., d // 2:] = first, second
    return y


class Head:
    """One key/value head's rows: keys before rotation, values, numbers, attention received."""

    def __init__(self, k, v):
        self.k, self.v, self.token, self.mass = k, v, torch.arange(len(k)), torch.zeros(len(k))

    def keep(self, i):
        self.k, self.v, self.token, self.mass = self.k[i], self.v[i], self.token[i], self.mass[i]


def top(score, rows, keep, first, recent):
    if rows <= keep:
        return torch.arange(rows)
    middle = torch.arange(first, rows - recent)
    best = middle[torch.argsort(score[middle], descending=True, stable=True)[:keep - first - recent]]
    return torch.cat([torch.arange(first), best.sort().values, torch.arange(rows - recent, rows)])


def cut(kind, head, budget):
    n = len(head.k)
    if kind == "h2o":
        return head.keep(top(head.mass, n, budget, 0, budget - budget // 2))
    if kind == "streaming":
        return head.keep(top(torch.zeros(n), n, budget, 4, budget - 4))
    if kind == "vatp":
        return head.keep(top(head.mass * head.v.abs().sum(1), n, budget, 20, budget - budget // 2))


def run(c, w, ids, prefix, kind, budget):
    def norm(x, g):
        return x / (x.square().mean(-1, keepdim=True) + c["eps"]).sqrt() * g

    dim = w["token_embd.weight"].shape[1]
    d, ratio = w["blk.0.attn_q.weight"].shape[0] // c["heads"], c["heads"] // c["kv"]
    layers = [None] * c["layers"]
    nlls = []

    def attend(l, q, k, v, n):
        """New rows of n tokens; q, k before rotation."""
        fresh = layers[l] is None
        if fresh:
            layers[l] = [Head(k[:, g], v[:, g]) for g in range(c["kv"])]
        out = torch.empty_like(q)
        for g, head in enumerate(layers[l]):
            if not fresh:
                head.k, head.v = torch.cat([head.k, k[:, g]]), torch.cat([head.v, v[:, g]])
                head.token, head.mass = torch.cat([head.token, torch.tensor([n])]), torch.cat([head.mass, torch.zeros(1)])
            rows = len(head.k)
            where = torch.arange(rows) if kind == "streaming" else head.token
            keys = turn(head.k[:, None], where.double(), c["base"], c["interleaved"])[:, 0]
            mine = turn(q[:, g * ratio:(g + 1) * ratio], where[rows - len(q):].double(), c["base"], c["interleaved"])
            s = torch.einsum("thd,jd->htj", mine, keys) / d ** 0.5
            s = s.masked_fill(torch.arange(rows)[None] > torch.arange(rows - len(q), rows)[:, None], -torch.inf)
            p = s.softmax(-1)
            head.mass = head.mass + p.mean(0).sum(0)
            out[:, g * ratio:(g + 1) * ratio] = torch.einsum("htj,jd->thd", p, head.v)
        return out.reshape(len(q), -1)

    def forward(tokens, n):
        x = w["token_embd.weight"][tokens]
        for l in range(c["layers"]):
            b = f"blk.{l}."
            h = norm(x, w[b + "attn_norm.weight"])
            q, k, v = (h @ w[b + f"attn_{m}.weight"].T for m in "qkv")
            x = x + attend(l, q.view(len(tokens), -1, d), k.view(len(tokens), -1, d), v.view(len(tokens), -1, d), n) @ w[b + "attn_output.weight"].T
            h = norm(x, w[b + "ffn_norm.weight"])
            x = x + (torch.nn.functional.silu(h @ w[b + "ffn_gate.weight"].T) * (h @ w[b + "ffn_up.weight"].T)) @ w[b + "ffn_down.weight"].T
        return norm(x, w["output_norm.weight"]) @ w.get("output.weight", w["token_embd.weight"]).T

    def forget():
        for heads in layers:
            for head in heads:
                cut(kind, head, budget)

    assert dim == w["token_embd.weight"].shape[1]
    logits = forward(torch.tensor(ids[:prefix]), 0)[-1]
    forget()
    for n in range(prefix, len(ids)):
        nlls.append(float(logits.logsumexp(0) - logits[ids[n]]))
        logits = forward(torch.tensor([ids[n]]), n)[-1]
        if (n + 1) % EVERY == 0:
            forget()
    return nlls


def main():
    path, ids_file, prefix, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    ids = json.loads(pathlib.Path(ids_file).read_text())
    c, w = load(path)
    result = {"ids": ids, "prefix": prefix, "every": EVERY, "nlls": {"full": run(c, w, ids, prefix, "full", 0)}}
    for percent in (10, 20, 50):
        budget = max(64, prefix * percent // 100)
        for kind, spec in (("h2o", f"h2o(budget={budget})"), ("streaming", f"streaming(sink=4,window={budget - 4})"), ("vatp", f"vatp(base=h2o,budget={budget})")):
            result["nlls"][spec] = run(c, w, ids, prefix, kind, budget)
            print(spec, np.exp(np.mean(result["nlls"][spec])), file=sys.stderr)
    pathlib.Path(out).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
