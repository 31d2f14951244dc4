"""frugal's curation stages on an Apache Spark data frame.

    from frugal_spark import curate
    kept = curate(spark.read.parquet("crawl"), "gopher_quality | gopher_repetition | minhash", order=["file", "line"])
    kept.write.parquet("clean")

The operators are those of `frugal data`, on Arrow batches (mapInArrow); rows keep the columns that `parquet(out)` writes.
What a global operator needs to see of all documents are its records of 24 bytes: Spark's shuffle brings equal ones
together, those that stand alone go where they decide nothing, the rest is broadcast, and every worker groups them as a local
run would. So the survivors are those of a local run over the documents in the same order.
"""
import functools
import uuid

import pyarrow as pa
from pyspark.sql import functions as F

import frugal_data

RECORDS = "lane int, key long, value long, doc long"
_made = {}  # of this worker process: a run's stages, grouped where their pass needs it


def curate(frame, spec, order=None, rejects=False):
    """The rows of `frame` (a column `text`, and what else there is) that the stages of `spec` keep.

    order: columns that say in which order documents come, where a stage asks (the first of equal ones stays); None: as
    they lie in the frame's partitions. rejects: returns a second frame as well, the rows that went, with `dropped_by`
    and `reason`.
    """
    gone = []
    run, stages, gathered = uuid.uuid4().hex, frugal_data.Stages(spec), None
    if order:
        frame = frame.repartitionByRange(*order).sortWithinPartitions(*order)
    frame = numbered(frame)
    for n in range(stages.passes()):
        frame = frame.mapInArrow(_apply(run, spec, n, gathered, rejects), stages.ddl())
        if rejects:
            frame = frame.persist()
            gone.append(frame.where("reason is not null"))
            frame = frame.where("reason is null")
        frame = frame.drop("dropped_by", "reason")
        if n + 1 < stages.passes():
            frame = numbered(frame)
            gathered = exchange(frame, run, spec, n, stages.needs_lone_records(n))
    frame = frame.drop("doc")
    return (frame, functools.reduce(lambda a, b: a.union(b), gone).drop("doc")) if rejects else frame


def numbered(frame):
    """`frame` with the column `doc`, 0 to rows - 1 in the order of its partitions; computed once and kept."""
    frame = frame.withColumn("doc", F.monotonically_increasing_id()).persist()
    counts = dict(frame.groupBy(F.spark_partition_id()).count().collect())
    offsets, total = [], 0
    for partition in sorted(counts):
        offsets += [F.lit(partition), F.lit(total).cast("long")]
        total += counts[partition]
    if not offsets:
        return frame
    within = F.col("doc").bitwiseAND(F.lit((1 << 33) - 1))
    return frame.withColumn("doc", F.create_map(*offsets)[F.shiftright("doc", 33).cast("int")] + within)


def exchange(frame, run, spec, n, with_lone):
    """The records of the global operator after pass n, without those alone in their lane and key where these decide
    nothing; broadcast as Arrow bytes."""
    records = frame.mapInArrow(_sketch(run, spec, n), RECORDS)
    if not with_lone:
        together = records.groupBy("lane", "key").agg(F.collect_list(F.struct("value", "doc")).alias("seen"))
        records = (together.where(F.size("seen") > 1)
                   .select("lane", "key", F.explode("seen").alias("one"))
                   .select("lane", "key", "one.value", "one.doc"))
    table = records.toArrow().cast(pa.schema([pa.field(f.name, f.type, False) for f in _record_schema()]))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return frame.sparkSession.sparkContext.broadcast((sink.getvalue().to_pybytes(), frame.count()))


def _record_schema():
    return pa.schema([("lane", pa.int32()), ("key", pa.int64()), ("value", pa.int64()), ("doc", pa.int64())])


def _stages(run, spec, n, gathered):
    if (run, n) not in _made:
        stages = frugal_data.Stages(spec)
        if gathered is not None:
            stream, documents = gathered.value
            table = pa.ipc.open_stream(stream).read_all().combine_chunks()
            batches = table.to_batches() or [pa.RecordBatch.from_pylist([], schema=_record_schema())]
            stages.group(n - 1, batches[0], documents)
        _made[run, n] = stages
    return _made[run, n]


def _apply(run, spec, n, gathered, rejects):
    def over(batches):
        stages = _stages(run, spec, n, gathered)
        for batch in batches:
            rows = pa.record_batch(stages.apply(n, batch))
            yield rows if rejects else rows.filter(rows.column("reason").is_null())
    return over


def _sketch(run, spec, n):
    def over(batches):
        stages = _stages(run, spec, 0, None)
        for batch in batches:
            yield pa.record_batch(stages.sketch(n, batch))
    return over
