#!/usr/bin/env python3
"""Writes src/text/unicode_table.cc: which class every code point has, as pre-tokenizers see it.

The classes come from the regular-expression engine of the `tokenizers` package, the reference whose splits ours must
equal, so that both know the same version of Unicode. Usage: make_unicode_table.py > src/text/unicode_table.cc
"""
from tokenizers import Regex, pre_tokenizers

CLASSES = [r"\p{L}", r"\p{N}", r"\p{P}", r"\p{S}", r"\p{M}", r"\s"]  # numbered from 1: bits 0 to 5 in unicode.h
SURROGATES = range(0xD800, 0xE000)


def class_of_all():
    found = [0] * 0x110000
    for number, pattern in enumerate(CLASSES, 1):
        keep = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
        for c in range(0x110000):
            if c not in SURROGATES and keep.pre_tokenize_str(chr(c)):
                found[c] = number
    return found


def main():
    classes = class_of_all()
    starts = [(c, k) for c, k in enumerate(classes) if c == 0 or classes[c - 1] != k]
    print("// Made by tools/make_unicode_table.py: where a run of code points of one class begins, as code point * 8 + the class.")
    print('#include "text/unicode.h"\n\nnamespace frugal {\n\nconst uint32_t kClassRuns[] = {')
    line = "   "
    for c, k in starts:
        item = f" {c * 8 + k},"
        if len(line) + len(item) > 140:
            print(line)
            line = "   "
        line += item
    print(f"{line}\n}};\nconst size_t kClassRunCount = {len(starts)};\n\n}}  // namespace frugal")


if __name__ == "__main__":
    main()
