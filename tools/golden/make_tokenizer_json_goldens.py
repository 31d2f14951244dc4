#!/usr/bin/env python3
"""Goldens of tokenizer.json readers, made with the `tokenizers` package: tests/golden/tokenizer/json.jsonl.

Three small vocabularies (json_byte.json trained on texts.jsonl, json_spm.json and json_unigram.json from SentencePiece
models of make_sentencepiece_goldens.py) under many normalizers, pre-tokenizers, post-processors and added tokens. Each
line: {name, base, parts: what replaces parts of the base, texts: "all" or a list, ids: [[...], ...], decoded}.

usage: make_tokenizer_json_goldens.py [tests/golden/tokenizer]        (tokenizers 0.23, sentencepiece 0.2, protobuf)
"""
import base64
import json
import pathlib
import sys

from sentencepiece import sentencepiece_model_pb2 as proto
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
GPT4O = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def added(id, content, **flags):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False} | flags


def split(pattern, behavior="Isolated", kind="Regex", invert=False):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def sequence(kind, *parts):
    return {"type": "Sequence", kind: list(parts)}


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def around(before=(), behind=()):
    token = lambda t, i: {"SpecialToken": {"id": t, "type_id": 0}}
    return {"type": "TemplateProcessing",
            "single": [token(*t) for t in before] + [{"Sequence": {"id": "A", "type_id": 0}}] + [token(*t) for t in behind],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {t: {"id": t, "ids": [i], "tokens": [t]} for t, i in (*before, *behind)}}


def byte_base(texts):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=700, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return json.loads(t.to_str())


def spm_base(model):
    vocab = {p.piece: i for i, p in enumerate(model.pieces)}
    merges = []
    for p in model.pieces:
        cuts = [(p.piece[:i], p.piece[i:]) for i in range(1, len(p.piece))]
        merges += [(-p.score, vocab[a], vocab[b], a, b) for a, b in cuts if a in vocab and b in vocab and p.type == 1]
    merges = [[a, b] for *_, a, b in sorted(merges, key=lambda m: m[:3])]
    t = Tokenizer(models.BPE(vocab, [tuple(m) for m in merges], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    return json.loads(t.to_str())


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/tokenizer")
    texts = [json.loads(line) for name in ("texts.jsonl", "spm_texts.jsonl") for line in open(folder / name)][::5]
    stories = proto.ModelProto.FromString((folder / "../stories260k/hf/tokenizer.model").read_bytes())
    unigram = proto.ModelProto.FromString((folder / "spm_unigram_bytes.model").read_bytes())
    pieces = [(p.piece, p.score) for p in unigram.pieces]
    bases = {
        "byte": byte_base([t for t in texts if len(t) < 400]),
        "spm": spm_base(stories),
        "unigram": json.loads(Tokenizer(models.Unigram(pieces, 0, byte_fallback=True)).to_str()),
    }
    for name, base in bases.items():
        (folder / f"json_{name}.json").write_text(json.dumps(base, separators=(",", ":"), ensure_ascii=False) + "\n")

    n = len(bases["byte"]["model"]["vocab"])
    tokens = [added(n, "<|end|>", special=True), added(n + 1, "<mask>", special=True, lstrip=True), added(n + 2, "<right>", rstrip=True),
              added(n + 3, "zebra", single_word=True), added(n + 4, "<|end|>x"), added(n + 5, "Caf\u00e9", normalized=True)]
    marks = ["<|end|>", "a <mask> b", "a  \n<mask>b", "x<right>  \n y", "a zebra, szebra zebras zebra", "<|end|>x<|end|>", "zebra", " zebra ", "_zebra zebra1",
             "Caf\u00e9 Cafe\u0301 caf\u00e9", "<mask><mask> <mask>", "<right> <right>", "\u00e9zebra zebra\u00e9", "<|end|", "one<|end|> two <|end|>"]
    specials = [added(0, "<unk>", special=True), added(1, "<s>", special=True), added(2, "</s>", special=True)]
    turns = ["<s>a</s> b<s> c", "a<unk>b", " <s> x", "<s>", "x </s>", "</s>\u2581x", "a</s>b</s>"]
    blanks = sequence("normalizers", {"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"})
    fuse = sequence("decoders", {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                    {"type": "Strip", "content": " ", "start": 1, "stop": 0})
    charsmap = base64.b64encode(proto.ModelProto.FromString((folder / "spm_unigram.model").read_bytes()).normalizer_spec.precompiled_charsmap).decode()

    def metaspace(scheme, cut):
        return {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": cut}

    lean = sequence("normalizers", {"type": "Strip", "strip_left": False, "strip_right": True},
                    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})
    plain = [t for t in texts[::2] if "<0x" not in t]  # which the package takes for the byte
    cases = [
        ("byte", "plain", {}, "all"),
        ("byte", "prefix", {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True, "trim_offsets": True}}, "all"),
        ("byte", "smollm", {"pre_tokenizer": sequence("pretokenizers", {"type": "Digits", "individual_digits": True}, BYTES | {"use_regex": True})}, "all"),
        ("byte", "llama-3", {"pre_tokenizer": sequence("pretokenizers", split(LLAMA3), BYTES), "post_processor": around([("<|end|>", n)]), "added_tokens": tokens[:1]}, "all"),
        ("byte", "gpt-4o", {"pre_tokenizer": sequence("pretokenizers", split(GPT4O, "Removed", invert=True), BYTES)}, "all"),
        ("byte", "falcon", {"pre_tokenizer": sequence("pretokenizers", {"type": "Punctuation", "behavior": "Contiguous"}, {"type": "Digits", "individual_digits": False},
                                                      split("[0-9][0-9][0-9]"), BYTES | {"use_regex": True})}, "all"),
        ("byte", "punctuation", {"pre_tokenizer": sequence("pretokenizers", {"type": "Punctuation", "behavior": "Isolated"}, split(".", kind="String"), BYTES)}, "all"),
        ("byte", "contiguous", {"pre_tokenizer": sequence("pretokenizers", split(r"[aeiou ]", "Contiguous"), BYTES)}, "all"),
        ("byte", "whole", {"pre_tokenizer": BYTES}, "all"),
        *[("byte", form, {"normalizer": {"type": form}}, "all") for form in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents")],
        ("byte", "strip", {"normalizer": sequence("normalizers", {"type": "NFD"}, {"type": "StripAccents"}, {"type": "Strip", "strip_left": True, "strip_right": True},
                                                  {"type": "Replace", "pattern": {"Regex": r"\d+"}, "content": "#"}, {"type": "Prepend", "prepend": ">"})}, "all"),
        ("byte", "added", {"added_tokens": tokens}, marks),
        ("byte", "added-nfd", {"added_tokens": tokens, "normalizer": {"type": "NFD"}}, marks),
        ("byte", "roberta", {"added_tokens": tokens[:2], "post_processor": {"type": "RobertaProcessing", "sep": ["<mask>", n + 1], "cls": ["<|end|>", n],
                                                                           "trim_offsets": True, "add_prefix_space": False}}, marks),
        ("spm", "legacy", {"normalizer": blanks, "decoder": fuse}, "all"),
        ("spm", "legacy-added", {"normalizer": blanks, "decoder": fuse, "added_tokens": specials, "post_processor": around([("<s>", 1)])}, turns),
        *[("spm", f"metaspace-{s}-{c}", {"pre_tokenizer": metaspace(s, c), "decoder": fuse, "added_tokens": specials, "post_processor": around([("<s>", 1)])}, texts[::2] + turns)
          for s in ("first", "always") for c in (False, True)],
        ("unigram", "metaspace", {"pre_tokenizer": metaspace("always", True), "decoder": sequence("decoders", {"type": "ByteFallback"}, metaspace("always", True)), "added_tokens": specials,
                                  "normalizer": lean, "post_processor": around((), [("</s>", 2)])}, plain),
        ("unigram", "charsmap", {"pre_tokenizer": metaspace("always", True), "normalizer": {"type": "Precompiled", "precompiled_charsmap": charsmap},
                                 "decoder": sequence("decoders", {"type": "ByteFallback"}, metaspace("always", True))}, plain),
    ]
    with open(folder / "json.jsonl", "w") as out:
        for base, name, parts, which in cases:
            t = Tokenizer.from_str(json.dumps(bases[base] | parts))
            chosen = texts if which == "all" else which
            encoded = [t.encode(text) for text in chosen]
            if name == "charsmap":
                parts["normalizer"]["precompiled_charsmap"] = "spm_unigram.model"  # the test puts that file's in
            row = {"name": f"{base} {name}", "base": base, "parts": parts, "texts": which, "ids": [e.ids for e in encoded]}
            if base != "byte" or name == "plain":  # the byte decoder takes added tokens for its alphabet
                row["decoded"] = [t.decode(e.ids) for e in encoded]
            out.write(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n")


main()
