#!/usr/bin/env python3
"""Makes tests/golden/data/parquet/: files as other programs write them, and what their rows are as JSON.

    make_parquet_goldens.py OUT        with pyarrow, pandas and datatrove installed

pandas.parquet    by pandas from a frame with columns of many types, the text in `content`
datatrove.parquet by datatrove's ParquetWriter: text, id, media, metadata as a struct
types.parquet     by pyarrow: large strings, dictionaries, lists, maps, nested structs, dates, decimals, nulls, bytes
rows.json         what `parquet(...) | jsonl(...)` must give for each
"""
import datetime
import decimal
import json
import pathlib
import sys

import pandas
import pyarrow as pa
import pyarrow.parquet as pq
from datatrove.data import Document
from datatrove.pipeline.writers.parquet import ParquetWriter


def by_pandas(folder):
    frame = pandas.DataFrame({
        "content": ["first text", "zweiter Text: \u00e4\u00f6\u00fc", 'with "quotes"\nand lines'],
        "id": [7, 8, 9],
        "score": [0.5, float("nan"), 3.25],
        "ok": [True, False, True],
        "lang": pandas.Categorical(["en", "de", "en"]),
        "date": pandas.to_datetime(["2024-01-01 00:00:00", "2024-02-03 04:05:06", None]),
    })
    frame.to_parquet(folder / "pandas.parquet", index=False)
    return [
        {"id": "7", "text": "first text", "score": 0.5, "ok": True, "lang": "en", "date": "2024-01-01 00:00:00.000000"},
        {"id": "8", "text": "zweiter Text: \u00e4\u00f6\u00fc", "ok": False, "lang": "de", "date": "2024-02-03 04:05:06.000000"},
        {"id": "9", "text": 'with "quotes"\nand lines', "score": 3.25, "ok": True, "lang": "en"},
    ]


def by_datatrove(folder):
    with ParquetWriter(str(folder), output_filename="datatrove.parquet") as writer:
        writer.write(Document(text="one", id="a/0", metadata={"url": "http://a.org", "n": 1}))
        writer.write(Document(text="two", id="a/1", metadata={"url": "http://b.org", "n": 2}))
    (folder / "000_datatrove.parquet").rename(folder / "datatrove.parquet")
    return [{"id": "a/0", "text": "one", "url": "http://a.org", "n": 1},
            {"id": "a/1", "text": "two", "url": "http://b.org", "n": 2}]


def by_pyarrow(folder):
    table = pa.table({
        "text": pa.array(["x", None, "y" * 3000], pa.large_string()),
        "id": pa.array(["i", "j", None]),
        "tags": pa.array([["p", "q"], [], None], pa.list_(pa.string())),
        "counts": pa.array([[("k", 1), ("l", 2)], [], []], pa.map_(pa.string(), pa.int32())),
        "nested": pa.array([{"a": {"b": [1, None]}, "c": 1.5}, None, {"a": None, "c": None}],
                           pa.struct([("a", pa.struct([("b", pa.list_(pa.int8()))])), ("c", pa.float32())])),
        "day": pa.array([datetime.date(2020, 2, 29), None, None]),
        "price": pa.array([decimal.Decimal("1.50"), None, None], pa.decimal128(8, 2)),
        "raw": pa.array([b"\xff\x00", None, b"abc"]),
        "metadata": pa.array(['{"u": "v",\n "w": [1, 2]}', None, "no JSON"]),
        "values": pa.array([{"words": 12.0, "lang": "en"}, None, {"words": None, "lang": "fr"}],
                           pa.struct([("words", pa.float64()), ("lang", pa.string())])),
    })
    pq.write_table(table, folder / "types.parquet")
    return [
        {"id": "i", "text": "x", "u": "v", "w": [1, 2], "tags": ["p", "q"], "counts": {"k": 1, "l": 2},
         "nested": {"a": {"b": [1, None]}, "c": 1.5}, "day": "2020-02-29", "price": "1.50", "raw": None,
         "values": {"words": 12, "lang": "en"}},
        {"text": "y" * 3000, "metadata": "no JSON", "counts": {}, "nested": {}, "raw": "abc",
         "values": {"lang": "fr"}},
    ]


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rows = {"pandas": by_pandas(folder), "datatrove": by_datatrove(folder), "types": by_pyarrow(folder)}
    (folder / "rows.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
