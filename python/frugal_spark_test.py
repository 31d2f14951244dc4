"""curate() on Spark in local mode keeps the documents, texts and values that `frugal data` keeps."""
import gzip
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from pyspark.sql import SparkSession

from frugal_spark import curate

REPO = pathlib.Path(__file__).resolve().parent.parent
STAGES = ["gopher_quality(min_words=20)", "pii_density(max=1,min_docs=1)", "exact", "lines(bucket=40,max=2)",
          "c4(punctuation=false)", "minhash"]


def documents():
    """48 web pages and a spoilt form of each; some again, some with a word changed, some with a common line."""
    with gzip.open(REPO / "tests/golden/data/rules.jsonl.gz", "rt") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    texts += texts[5:25]
    texts += [text + " And one more word." for text in texts[10:40]]
    texts += [text + f"\nAll rights reserved by number {i}." for i, text in enumerate(texts[:50])]
    texts += [text + f"\nWrite to reader{i}@example.org or editor{i}@example.com." for i, text in enumerate(texts[:20])]
    return [{"id": str(i), "text": text, "url": f"http://site{i // 2}.org/{i}", "line": i} for i, text in enumerate(texts)]


def rows_of(file):
    with open(file) as lines:
        return [json.loads(line) for line in lines]


def locally(rows, folder, stages):
    source = pathlib.Path(folder) / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out, rejects = pathlib.Path(folder) / "out.jsonl", pathlib.Path(folder) / "rejects"
    subprocess.run([os.environ["FRUGAL"], "data", " | ".join([f"jsonl({source})", *stages, f"jsonl({out})"]),
                    "--rejects", rejects], check=True, stdout=subprocess.DEVNULL)
    return rows_of(out), [row for file in rejects.iterdir() for row in rows_of(file)]


class Spark(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.spark = (SparkSession.builder.master("local[2]").appName("frugal").config("spark.ui.enabled", "false")
                     .config("spark.sql.shuffle.partitions", "3").getOrCreate())
        cls.spark.sparkContext.setLogLevel("OFF")  # one test makes a task fail on purpose

    @classmethod
    def tearDownClass(cls):
        cls.spark.stop()

    def test_same_survivors(self):
        rows = documents()
        with tempfile.TemporaryDirectory() as folder:
            local, local_gone = locally(rows, folder, STAGES)
        self.assertTrue(20 < len(local) < len(rows) - 40, len(local))
        self.assertTrue(any(row["reason"].startswith("pii") for row in local_gone))
        frame = self.spark.createDataFrame(rows[::-1]).repartition(4)
        kept, gone = curate(frame, " | ".join(STAGES), order=["line"], rejects=True)
        ours = {row.id: row for row in kept.collect()}
        self.assertEqual(sorted((row.id, row.dropped_by, row.reason) for row in gone.collect()),
                         sorted((row["id"], row["dropped_by"], row["reason"]) for row in local_gone))
        plain = curate(frame, " | ".join(STAGES[:2]), order=["line"])
        self.assertEqual(plain.where("text is null").count(), 0)
        self.assertTrue(len(ours) < plain.count() < len(rows))
        self.assertEqual(sorted(ours), sorted(row["id"] for row in local))
        for row in local:
            one = ours[row["id"]]
            self.assertEqual(one.text, row["text"])
            self.assertEqual({k: v for k, v in one["values"].asDict().items() if v is not None}, row["values"])
            self.assertEqual(json.loads(one.metadata)["url"], row["url"])

    def test_wrong_specs_and_frames(self):
        frame = self.spark.createDataFrame([{"id": "a", "body": "x"}])
        with self.assertRaisesRegex(RuntimeError, "did you mean 'minhash'"):
            curate(frame, "minhsh")
        with self.assertRaisesRegex(Exception, "no texts in a column 'text'"):
            curate(frame, "c4").collect()


if __name__ == "__main__":
    unittest.main()
