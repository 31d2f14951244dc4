"""Writes src/text/unicode_decompositions.cc: decompositions and combining classes of Unicode 16.0 for unicode_normal.cc.

From this Python's own unicodedata where it is 16.0, else from the package unicodedata2 16.0.0.
usage: make_unicode_decompositions.py > src/text/unicode_decompositions.cc
"""
import unicodedata as ucd

if ucd.unidata_version != "16.0.0":
    import unicodedata2 as ucd
assert ucd.unidata_version == "16.0.0", ucd.unidata_version

LAST = 0x110000


def combining_runs():
    """start << 8 | class wherever the class changes."""
    out, last = [], 0
    for c in range(LAST):
        k = ucd.combining(chr(c))
        if k != last:
            out.append(c << 8 | k)
            last = k
    return out


def decompositions():
    """Flat entries: code point | kind << 21 | length << 23, then the characters (see unicode_decompositions.h)."""
    out = []
    for c in range(LAST):
        fields = ucd.decomposition(chr(c)).split()
        if not fields:
            continue
        compatible = fields[0].startswith("<")
        chars = [int(f, 16) for f in (fields[1:] if compatible else fields)]
        composes = not compatible and len(chars) == 2 and ucd.normalize("NFC", "".join(map(chr, chars))) == chr(c)
        out += [c | (0 if compatible else 1 if composes else 2) << 21 | len(chars) << 23, *chars]
    return out


def array(name, values):
    print(f"\nconst uint32_t {name}[] = {{")
    line = ""
    for v in values:
        text = f"{v},"
        if len(line) + len(text) > 220:
            print(line)
            line = ""
        line += text
    print(f"{line}}};\nconst size_t {name}Size = {len(values)};")


print("// Unicode 16.0 (Unicode licence v3), written by tools/make_unicode_decompositions.py.\n// clang-format off")
print('#include "text/unicode_decompositions.h"\n\nnamespace frugal {')
array("kCombiningRuns", combining_runs())
array("kDecompositions", decompositions())
print("\n}  // namespace frugal")
