"""Kept rows against kvpress's: observed attention at a prompt's end, and StreamingLLM with its keys rotated anew.

usage: check_kvpress.py --frugal build/bin/frugal --model MODEL.gguf TEXT [--keep 64,128,256]

kvpress (0.5.5) scores rows with the attention of transformers on the dequantised weights in float32; we run the same
ids with --compute f32 and read what a saved cache kept (`frugal inspect`). Observed attention is h2o(score=mean) with
all its budget for attention but for the newest row, which h2o always keeps: that row is left out on both sides. Rows
whose scores differ by less than a millionth of the row's own may change places; such exchanges are counted apart.
Needs torch, transformers, kvpress.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import torch
from kvpress import KeyRerotationPress, ObservedAttentionPress, StreamingLLMPress
from transformers import AutoModelForCausalLM


def command(*parts):
    return subprocess.run([str(p) for p in parts], check=True, capture_output=True, text=True).stdout


def numbers(ranges):
    out = set()
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        out.update(range(int(first), int(last or first) + 1))
    return out


def ours(args, spec, where):
    """[layer][head] -> set of tokens whose rows are kept when the prompt has ended."""
    cache = where / "kept.cache"
    command(args.frugal, "run", args.model, "-f", args.text, "--raw", "-n", 1, "--compute", "f32", "--kv", spec,
            "--save-cache", cache)
    layers = {}
    for head in json.loads(command(args.frugal, "inspect", cache, "--json"))["tensors"]:
        layers.setdefault(int(head["name"].split(".")[1]), []).append(numbers(head["tokens"]))
    return [layers[i] for i in sorted(layers)]


def observed_attention(args, where, attentions, shape):
    press = ObservedAttentionPress()
    for keep in args.keep:
        kept = ours(args, f"f32 | h2o(heavy={keep},recent=1,score=mean)", where)
        heads = same = exchanged = 0
        for layer, attention in enumerate(attentions):
            scores = press.score(None, None, torch.empty(shape), None, attention, {})[0, :, :-1]
            for head, score in enumerate(scores):
                wanted, got = set(score.topk(keep).indices.tolist()), kept[layer][head] - {shape[2] - 1}
                heads += 1
                same += wanted == got
                ties = all(abs(score[a] - score[b]) <= 1e-6 * score[b]
                           for a, b in zip(sorted(wanted - got, key=lambda i: score[i]),
                                           sorted(got - wanted, key=lambda i: score[i])))
                exchanged += wanted != got and len(wanted) == len(got) and ties
        print(f"observed attention, {keep} of {shape[2]} rows: {same} of {heads} heads equal, "
              f"{exchanged} but for scores equal to a millionth")


def streaming(args, where, shape, module):
    for keep in args.keep:
        press = StreamingLLMPress(1 - keep / shape[2], n_sink=4)
        score = press.score(None, None, torch.empty(shape), None, None, {})[0, 0]
        wanted = set(score.nonzero().flatten().tolist())
        kept = ours(args, f"f32 | streaming(sink=4,window={len(wanted) - 4})", where)
        equal = sum(head == wanted for layer in kept for head in layer)
        # kvpress turns a rotated key on by (place - token); we rotate the key by its place from the start, which
        # cache_restated.py holds to the paper. Here: that kvpress's angles are indeed those of that difference.
        places = torch.tensor(sorted(wanted))
        cos, sin = KeyRerotationPress._rerotate_cos_sin(torch.empty(shape), module.inv_freq, places.expand(1, 1, -1))
        angle = (torch.arange(len(places)) - places)[:, None].double() * module.inv_freq.double()
        worst = max((cos[0, 0, :, : angle.shape[1]] - angle.cos()).abs().max().item(),
                    (sin[0, 0, :, : angle.shape[1]] - angle.sin()).abs().max().item())
        print(f"StreamingLLM, {len(wanted)} of {shape[2]} rows: {equal} of {sum(map(len, kept))} heads equal; "
              f"kvpress turns keys to their places in the cache, to {worst:.1e}")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--frugal", default="build/bin/frugal")
    p.add_argument("--model", required=True)
    p.add_argument("text", type=pathlib.Path)
    p.add_argument("--keep", type=lambda s: [int(x) for x in s.split(",")], default=[64, 128, 256])
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        where = pathlib.Path(folder)
        command(args.frugal, "convert", args.model, where / "hf", "--type", "f32")
        model = AutoModelForCausalLM.from_pretrained(where / "hf", dtype=torch.float32, attn_implementation="eager")
        ids = json.loads(command(args.frugal, "tokenize", args.model, "-f", args.text, "--json"))["ids"]
        with torch.no_grad():
            out = model(torch.tensor([ids]), output_attentions=True)
        c = model.config
        shape = (1, c.num_key_value_heads, len(ids), c.hidden_size // c.num_attention_heads)
        observed_attention(args, where, out.attentions, shape)
        streaming(args, where, shape, model.model.rotary_emb)


if __name__ == "__main__":
    main()
