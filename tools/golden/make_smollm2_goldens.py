"""What transformers computes with the default model's own weights: tests/golden/smollm2/goldens.jsonl.

The GGUF is dequantised by transformers and run in float32 on the texts of texts.jsonl, so a float32 forward of the same
file must agree to rounding. Token ids come from a tokenizer built here from the vocabulary and merges in the GGUF
(byte-level BPE after splitting off every digit, which is what tokenizer.ggml.pre = smollm means); transformers' own
reading of a GGUF tokenizer does not know that pre-tokenizer.

One object a line:
  name, source, text, ids
  nlls             of ids[1:], natural logarithm, 6 decimals
  last_logits_top  [[id, logit], ...] the 20 largest after the last id;  last_lse  log-sum-exp over all of them
  greedy           32 next ids;  greedy_gaps  largest logit minus second largest at each: a small one may fall the other way
Texts of more than 1,000 tokens have ids and nlls alone.

usage: make_smollm2_goldens.py MODEL.gguf [--check-float64]     (torch, transformers 5.23, tokenizers, gguf)
"""
import argparse
import json
import os

import gguf
import torch
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/golden/smollm2")
CONTROL = 3  # GGUF token type


def read_tokenizer(path):
    fields = gguf.GGUFReader(path).fields
    value = {key: fields["tokenizer.ggml." + key].contents() for key in ("pre", "tokens", "merges", "token_type")}
    assert value["pre"] == "smollm", value["pre"]
    vocabulary = {token: i for i, token in enumerate(value["tokens"])}
    merges = [tuple(merge.split(" ")) for merge in value["merges"]]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    special = [t for t, kind in zip(value["tokens"], value["token_type"]) if kind == CONTROL]
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in special])
    return tokenizer


def load(path, dtype):
    folder, name = os.path.split(os.path.abspath(path))
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=dtype, attn_implementation="eager")
    return model.eval()


def token_nlls(logits, ids):
    log_probs = torch.log_softmax(logits[:-1].double(), -1)
    return [round(-log_probs[i, token].item(), 6) for i, token in enumerate(ids[1:])]


def greedy(model, output, count=32):
    """The next ids, each the most likely, and by how much its logit leads."""
    ids, gaps = [], []
    while True:
        top = output.logits[0, -1].double().topk(2)
        ids.append(top.indices[0].item())
        gaps.append(round((top.values[0] - top.values[1]).item(), 4))
        if len(ids) == count:
            return ids, gaps
        output = model(torch.tensor([ids[-1:]]), past_key_values=output.past_key_values, use_cache=True)


def golden(model, tokenizer, text):
    ids = tokenizer.encode(text["text"], add_special_tokens=False).ids
    output = model(torch.tensor([ids]), use_cache=True)
    logits = output.logits[0]
    result = {**text, "ids": ids, "nlls": token_nlls(logits, ids)}
    if len(ids) <= 1000:
        top = logits[-1].double().topk(20)
        result["last_logits_top"] = [[i, round(x, 5)] for i, x in zip(top.indices.tolist(), top.values.tolist())]
        result["last_lse"] = round(logits[-1].double().logsumexp(-1).item(), 5)
        result["greedy"], result["greedy_gaps"] = greedy(model, output)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--check-float64", action="store_true", help="compare with float64 instead of writing")
    options = parser.parse_args()
    tokenizer = read_tokenizer(options.model)
    model = load(options.model, torch.float64 if options.check_float64 else torch.float32)
    path = os.path.join(FOLDER, "goldens.jsonl")
    with open(os.path.join(FOLDER, "texts.jsonl")) as f:
        texts = [json.loads(line) for line in f]
    with torch.inference_mode():
        results = [golden(model, tokenizer, text) for text in texts]
    if options.check_float64:
        with open(path) as f:
            for exact, kept in zip(results, map(json.loads, f)):
                drift = max(abs(a - b) for a, b in zip(exact["nlls"], kept["nlls"]))
                print(f"{kept['name']:10} {drift:.1e}  greedy equal: {exact.get('greedy') == kept.get('greedy')}")
        return
    with open(path, "w") as f:
        for result in results:
            f.write(json.dumps(result, ensure_ascii=False) + "\n")
            mean = sum(result["nlls"]) / len(result["nlls"])
            gap = min(result.get("greedy_gaps", [0]))
            print(f"{result['name']:10} {len(result['ids']):5} tokens  mean nll {mean:.4f}  smallest greedy gap {gap}")


if __name__ == "__main__":
    main()
