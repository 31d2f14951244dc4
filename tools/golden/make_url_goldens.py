#!/usr/bin/env python3
"""The URL standard's test table as lines of JSON, one address each, in tests/golden/data/urls.jsonl.gz, and its domains
in tests/golden/data/domains.jsonl.gz. Half characters, which UTF-8 does not have, become U+FFFD as in a browser.

    make_url_goldens.py FOLDER          with urltestdata.json.gz, toascii.json.gz, IdnaTestV2.json.gz
"""
import gzip
import json
import pathlib
import sys

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "data"
FIELDS = ("href", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash")


def whole(text):
    return text and text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def write(name, rows):
    lines = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    (OUT / name).write_bytes(gzip.compress(lines.encode(), 9, mtime=0))


def main():
    table = lambda name: [x for x in json.load(gzip.open(pathlib.Path(sys.argv[1], name))) if isinstance(x, dict)]
    urls = []
    for test in table("urltestdata.json.gz"):
        row = {"input": whole(test["input"])}
        if test.get("base"):
            row["base"] = whole(test["base"])
        urls.append(row | {f: test[f] for f in FIELDS if f in test})  # a failure has none of them
    write("urls.jsonl.gz", urls)
    # Of the generated table of all scripts every eighth, of the others all: small, and every rule of it is there.
    domains = table("toascii.json.gz") + table("IdnaTestV2.json.gz")[::8]
    write("domains.jsonl.gz", [{"input": whole(t["input"]), "output": t["output"]} for t in domains])


if __name__ == "__main__":
    main()
