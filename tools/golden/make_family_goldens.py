"""Tiny random models of each family with transformers' results: tests/golden/families/<name>/.

No real model of most families is small enough to keep, so a model of about 60,000 random float32 weights stands in for
each: config.json, model.safetensors and goldens.json (ids, nlls, last_logits of a few sequences). The weights are
scaled so that attention is neither flat nor one-hot and the logits spread by about 2.5, norm gains lie around 1 and
biases are not 0: a missing norm, bias, window or scaling shows as an error far above rounding. Every configuration is
written here as a file on the Hub spells it, some in the older form (rope_theta, rope_scaling) and some in the form of
transformers 5 (rope_parameters). Models that differ only in their configuration share their weights by a link.

usage: make_family_goldens.py [OUT_DIR]     (torch, transformers 5.23, safetensors, numpy)
"""
import json
import math
import os
import sys
import zlib

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

LENGTHS = (96, 17, 2)  # 96 passes the window (16) and the original contexts (32, 64) below


def base(model_type, architecture, **fields):
    shape = dict(hidden_size=64, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, vocab_size=256, max_position_embeddings=256, rms_norm_eps=1e-5,
                 hidden_act="silu", tie_word_embeddings=True, bos_token_id=1, eos_token_id=2)
    return {"architectures": [architecture], "model_type": model_type, **shape, **fields}


def llama(**fields):
    return base("llama", "LlamaForCausalLM", head_dim=16, **fields)


def gemma3(**fields):
    return {"architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "hidden_size": 64,
            "intermediate_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "num_key_value_heads": 1,
            "head_dim": 16, "vocab_size": 256, "max_position_embeddings": 256, "rms_norm_eps": 1e-6,
            "hidden_activation": "gelu_pytorch_tanh", "sliding_window": 16, "attn_logit_softcapping": None,
            "final_logit_softcapping": None, "bos_token_id": 2, "eos_token_id": [1, 106], **fields}


def old_scaling(**scaling):
    return llama(rope_theta=10000.0, rope_scaling=scaling, torch_dtype="float32")


def new_scaling(**scaling):
    return llama(rope_parameters=dict(rope_theta=10000.0, **scaling), dtype="float32")


FAMILIES = {
    "llama": llama(rope_theta=10000.0, torch_dtype="float32"),
    "llama-bias": llama(rope_parameters=dict(rope_type="default", rope_theta=500.0), attention_bias=True, mlp_bias=True,
                        tie_word_embeddings=False, eos_token_id=[2, 3]),
    "llama-rope-linear": old_scaling(type="linear", factor=4.0),
    "llama-rope-dynamic": old_scaling(type="dynamic", factor=2.0) | dict(max_position_embeddings=32),
    "llama-rope-llama3": old_scaling(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                     original_max_position_embeddings=64),
    "llama-rope-llama3-v5": new_scaling(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                        original_max_position_embeddings=64),
    "llama-rope-yarn": old_scaling(rope_type="yarn", factor=4.0, original_max_position_embeddings=64),
    "llama-rope-yarn-v5": new_scaling(rope_type="yarn", factor=8.0, original_max_position_embeddings=32, beta_fast=4.0,
                                      beta_slow=0.5, mscale=1.0, mscale_all_dim=0.5),
    "mistral-window": base("mistral", "MistralForCausalLM", sliding_window=16, rope_theta=10000.0,
                           tie_word_embeddings=False, torch_dtype="bfloat16"),
    "qwen2": base("qwen2", "Qwen2ForCausalLM", rope_theta=1000000.0, rms_norm_eps=1e-6, use_sliding_window=False,
                  sliding_window=16, max_window_layers=2),
    "qwen3": base("qwen3", "Qwen3ForCausalLM", head_dim=32, num_key_value_heads=1, rope_theta=1000000.0,
                  rms_norm_eps=1e-6, attention_bias=False),
    "gemma3": gemma3(
        query_pre_attn_scalar=24, sliding_window_pattern=3, rope_theta=1000000.0, rope_local_base_freq=10000.0,
        rope_scaling={"rope_type": "linear", "factor": 8.0}, torch_dtype="float32"),
    "gemma3-v5": gemma3(
        query_pre_attn_scalar=16, layer_types=["sliding_attention", "full_attention"] * 2,
        rope_parameters={"sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                         "full_attention": {"rope_type": "default", "rope_theta": 1000000.0}}, dtype="float32"),
    "mixtral": base("mixtral", "MixtralForCausalLM", num_local_experts=4, num_experts_per_tok=2, rope_theta=1000000.0,
                    router_aux_loss_coef=0.02, sliding_window=None),
}
SHARED = {name: "llama" for name in FAMILIES if name.startswith("llama-rope-")} | {"gemma3-v5": "gemma3"}


def draw(name, tensor, plus_one):
    """Random values for the parameter of this name; the generator's seed comes from the name alone."""
    noise = torch.randn(tensor.shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode())))
    if "norm" in name:
        return 0.2 * noise + (0.0 if plus_one else 1.0)
    if name.endswith("bias"):
        return 0.3 * noise
    if "embed_tokens" in name or "lm_head" in name:
        return 0.3 * noise
    gain = 1.6 if "q_proj" in name or "k_proj" in name else 1.2
    return gain / math.sqrt(tensor.shape[-1]) * noise


def write_weights(folder, config):
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(draw(name, parameter, plus_one="gemma" in config.model_type))
    model.save_pretrained(folder)
    tensors = load_file(os.path.join(folder, "model.safetensors"))  # written again: plain header, names sorted
    save_file(dict(sorted(tensors.items())), os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    os.chmod(os.path.join(folder, "model.safetensors"), 0o644)
    os.remove(os.path.join(folder, "generation_config.json"))


def score(model, ids):
    with torch.inference_mode():
        logits = model(torch.tensor([ids])).logits[0].double()
    nlls = -torch.log_softmax(logits[:-1], -1)[range(len(ids) - 1), ids[1:]]
    return {"ids": ids, "nlls": [round(x, 6) for x in nlls.tolist()],
            "last_logits": [round(x, 5) for x in logits[-1].tolist()]}


def load(folder, dtype=torch.float32):
    plain = dict(attn_implementation="eager", experts_implementation="eager")
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **plain).eval()


def make(name, fields, out):
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    weights = os.path.join(folder, "model.safetensors")
    config_path = os.path.join(folder, "config.json")

    def write_config():
        with open(config_path, "w") as f:
            json.dump(fields, f, indent=1)
            f.write("\n")

    write_config()
    if os.path.lexists(weights):
        os.remove(weights)
    if name in SHARED:
        os.symlink(os.path.join("..", SHARED[name], "model.safetensors"), weights)
    else:
        write_weights(folder, AutoConfig.from_pretrained(folder))
        write_config()  # save_pretrained has replaced it
    generator = torch.Generator().manual_seed(7)
    sequences = [torch.randint(0, 256, (n,), generator=generator).tolist() for n in LENGTHS]
    # A fresh model for each sequence: the dynamic scaling keeps state from call to call.
    cases = [score(load(folder), ids) for ids in sequences]
    exact = [score(load(folder, torch.float64), ids) for ids in sequences]
    drift = max(abs(a - b) for c, e in zip(cases, exact) for a, b in zip(c["nlls"], e["nlls"]))
    with open(os.path.join(folder, "goldens.json"), "w") as f:
        json.dump({"cases": cases}, f)
        f.write("\n")
    last = torch.tensor(cases[0]["last_logits"])
    print(f"{name:24} {os.path.getsize(weights) // 1024:4} kB  mean nll {sum(cases[0]['nlls']) / 95:.3f}  "
          f"logit std {last.std():.2f}  float32 against float64 {drift:.1e}")


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../../tests/golden/families")
    for name, fields in FAMILIES.items():
        make(name, fields, out)


if __name__ == "__main__":
    main()
