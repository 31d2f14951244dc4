#!/usr/bin/env python3
"""Goldens of SentencePiece tokenizers, made with the `sentencepiece` package.

Trains four small models on texts.jsonl (user-defined pieces, byte fallback, blanks as suffixes, unused pieces: what the
models at hand do not have), and encodes the texts of texts.jsonl and of spm_texts.jsonl (written here) with these, with
the unigram test model of SentencePiece itself and with the tokenizer.model of stories260K.

usage: make_sentencepiece_goldens.py UNIGRAM_TEST_MODEL [tests/golden]        (sentencepiece 0.2, protobuf)
"""
import io
import json
import pathlib
import random
import shutil
import sys

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as proto

ODD = [
    "", " ", "  ", "   a", "a   ", "a  b   c\n\n d\t\te", "\u3000\u5168\u89d2\u00a0nbsp", "\ufb01 \u00bd \uff21\uff11 \uff76\uff9e \u337b e\u0301",
    "\u1100\u1161\u11a8 \uac00\u11a8", "\U0001f469\u200d\U0001f469\u200d\U0001f467\U0001f1e9\U0001f1ea \U0001f916!!", "<s> hi </s> <unk> <0x0A> <sep>x<sep>",
    "\u2581\u2581x \u2581", "\x01a\x7f\x00b", "a\u200bb\u200d\ufeffc", "\U0001d573\U0001d58a \U0010ffff", "\uff28\uff45\uff4c\uff4c\uff4f   ",
    "\u2460\u2461\u2462 \u33a1 \u2167", "\r\n\r\nx", "I\u0307 \u0130 \u1e9b\u0323 \u212b \u2126", "abc<sep>abcab  ab<sep> the<sep>", "xthe they the\u2581the",
]


def train(texts, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=model, num_threads=1, minloglevel=2, normalization_rule_name="identity",
        character_coverage=0.99, hard_vocab_limit=False, **options)
    return model.getvalue()


def without(model, drop):
    """The model with every drop-th normal piece of several characters unused."""
    m = proto.ModelProto.FromString(model)
    long = [p for p in m.pieces if p.type == 1 and len(p.piece) > 2]
    for p in long[::drop]:
        p.type = 5
    return m.SerializeToString()


def main():
    out = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "tests/golden")
    folder = out / "tokenizer"
    texts = [json.loads(line) for line in open(folder / "texts.jsonl")]
    rng = random.Random(1)
    odd = ODD + ["".join(rng.choice("ab cthe  \u2581\n\t\u00e9\u65e5\U0001f44d\u0301<sep>.,0123") for _ in range(rng.randint(1, 40))) for _ in range(80)]
    (folder / "spm_texts.jsonl").write_text("".join(json.dumps(t) + "\n" for t in odd))
    corpus = [t for t in texts if len(t) < 2000 and sum(c < "\u0250" for c in t) > 0.95 * len(t) > 0]
    shutil.copyfile(sys.argv[1], folder / "spm_unigram.model")
    made = {
        "bpe_user": without(train(corpus, model_type="bpe", vocab_size=1000, byte_fallback=True, remove_extra_whitespaces=False,
                                  user_defined_symbols=["<sep>", "\u2581\u2581", "ab"]), 7),
        "bpe_suffix": train(corpus, model_type="bpe", vocab_size=800, treat_whitespace_as_suffix=True),
        "unigram_user": without(train(corpus, model_type="unigram", vocab_size=800, user_defined_symbols=["<sep>", "the", "ab"]), 9),
        "unigram_bytes": train(corpus, model_type="unigram", vocab_size=1000, byte_fallback=True, add_dummy_prefix=False),
    }
    for name, model in made.items():
        (folder / f"spm_{name}.model").write_bytes(model)
    models = {name: folder / f"spm_{name}.model" for name in ["unigram", *made]}
    models["stories260k"] = out / "stories260k/hf/tokenizer.model"
    for name, path in models.items():
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        with open(folder / f"spm_{name}.jsonl", "w") as rows:
            for text in texts + odd:
                ids = processor.encode(text)
                rows.write(json.dumps([ids, processor.decode(ids)], separators=(",", ":"), ensure_ascii=False) + "\n")


main()
