// The Python module frugal_data: the stages of a curation pipeline on Arrow record batches, for engines that bring
// their own sources, sinks and shuffle (frugal_spark.py).
//
// Batches come and go through Arrow's C data interface (the PyCapsule protocol), without a copy of the bytes. Beside
// text, id, metadata and values (src/data/parquet/parquet.h) they carry `doc`, the number of a document over the whole
// frame. A global operator's three steps are calls of their own: sketch() gives its records, whoever calls moves them,
// group() decides from them, and the next pass's apply() acts on it.
#include <arrow/c/bridge.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <map>

#include "base/error.h"
#include "data/parquet/arrow_batch.h"
#include "data/parquet/arrow_values.h"
#include "data/plan.h"
#include "data/scratch.h"

namespace nb = nanobind;

namespace frugal::data {
namespace {

constexpr ErrorCode kBad = ErrorCode::kBadInput;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

// What Python takes with pyarrow.record_batch(x).
struct Exported {
  BatchPtr batch;
};

template <typename C>
nb::object capsule_of(C* made, const char* name) {
  return nb::steal(PyCapsule_New(made, name, [](PyObject* capsule) {
    auto* held = static_cast<C*>(PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule)));
    if (held->release != nullptr) held->release(held);
    delete held;
  }));
}

nb::tuple export_batch(const Exported& e, const nb::object& /*requested_schema*/) {
  auto schema = std::make_unique<ArrowSchema>();
  auto array = std::make_unique<ArrowArray>();
  check(arrow::ExportRecordBatch(*e.batch, array.get(), schema.get()), "export", kBad);
  return nb::make_tuple(capsule_of(schema.release(), "arrow_schema"), capsule_of(array.release(), "arrow_array"));
}

BatchPtr import_batch(const nb::object& batch) {
  const nb::tuple pair = nb::cast<nb::tuple>(batch.attr("__arrow_c_array__")());
  auto* schema = static_cast<ArrowSchema*>(PyCapsule_GetPointer(pair[0].ptr(), "arrow_schema"));
  auto* array = static_cast<ArrowArray*>(PyCapsule_GetPointer(pair[1].ptr(), "arrow_array"));
  if (schema == nullptr || array == nullptr) throw nb::python_error();
  return take(arrow::ImportRecordBatch(array, schema), "import", kBad);
}

template <typename Array>
std::shared_ptr<Array> column(const arrow::RecordBatch& batch, const char* name, arrow::Type::type type) {
  const auto found = batch.GetColumnByName(name);
  if (!found || found->type_id() != type || found->null_count() > 0)
    fail(kBad, "frugal_data", "found no column '{}' without nulls and of the wanted type", name);
  return std::static_pointer_cast<Array>(found);
}

std::shared_ptr<arrow::Int64Array> longs(const arrow::RecordBatch& batch, const char* name) {
  return column<arrow::Int64Array>(batch, name, arrow::Type::INT64);
}

// Records that a shuffle brought together, in memory.
class Gathered : public Sketches {
 public:
  Gathered(const arrow::RecordBatch& records, uint64_t documents) : documents_(documents) {
    const auto lane = column<arrow::Int32Array>(records, "lane", arrow::Type::INT32);
    const auto key = longs(records, "key"), value = longs(records, "value"), doc = longs(records, "doc");
    for (int64_t i = 0; i < records.num_rows(); ++i) {
      const auto number = static_cast<uint64_t>(doc->Value(i));
      if (number >= documents)
        fail(kBad, "frugal_data", "found document {}, expected fewer than {}", number, documents);
      lanes_[static_cast<uint32_t>(lane->Value(i))].push_back(
          {static_cast<uint64_t>(key->Value(i)), static_cast<uint64_t>(value->Value(i)), number});
    }
  }
  std::vector<uint32_t> lanes() const override {
    std::vector<uint32_t> list;
    for (const auto& [lane, records] : lanes_) list.push_back(lane);
    return list;
  }
  std::vector<SeenRecord> read(uint32_t lane, uint32_t) const override { return lanes_.at(lane); }
  uint32_t slices() const override { return 1; }
  uint64_t documents() const override { return documents_; }

 private:
  std::map<uint32_t, std::vector<SeenRecord>> lanes_;
  uint64_t documents_;
};

// Rows as documents, with their numbers.
struct Numbered {
  Batch batch;
  std::vector<int64_t> doc;
};

class Stages {
 public:
  explicit Stages(const std::string& spec) : plan_(make_stages(spec)) {
    for (size_t s = 0; s < plan_.stages.size(); ++s)
      if (plan_.stages[s].global) globals_.push_back(s);
  }

  size_t passes() const { return globals_.size() + 1; }

  // What apply() returns, as Spark writes it.
  std::string ddl() const {
    std::string values;
    for (const Column& c : plan_.schema.columns)
      values += fmt::format("{}`{}`: {}", values.empty() ? "" : ", ", c.name, c.is_text ? "string" : "double");
    return "doc long, dropped_by string, reason string, text string, id string, metadata string" +
           (values.empty() ? "" : fmt::format(", values struct<{}>", values));
  }

  // The stages of a pass: the global operator before it, once grouped, and row operators. Returns all rows; dropped_by
  // and reason are null where a row stays.
  Exported apply(size_t pass, const nb::object& rows) {
    const BatchPtr in = import_batch(rows);
    const nb::gil_scoped_release others_may_run;
    Numbered all = documents(*in);
    scratch_.forget();
    const size_t first = pass == 0 ? 0 : global(pass - 1),
                 end = pass < globals_.size() ? globals_[pass] : plan_.stages.size();
    for (size_t r = 0; r < all.batch.rows(); ++r) one(all, r, first, end);
    return with_reasons(all, plan_.schema);
  }

  // The records of the global operator after `pass`, of rows that its apply() left.
  Exported sketch(size_t pass, const nb::object& rows) {
    const BatchPtr in = import_batch(rows);
    const nb::gil_scoped_release others_may_run;
    const GlobalOp& op = *plan_.stages[global(pass)].global;
    Numbered all = documents(*in);
    scratch_.forget();
    arrow::Int32Builder lane;
    arrow::Int64Builder key, value, doc;
    std::vector<Record> records;
    for (size_t r = 0; r < all.batch.rows(); ++r) {
      records.clear();
      op.sketch(all.batch, r, scratch_, records);
      for (const Record& x : records) {
        ok(lane.Append(static_cast<int32_t>(x.lane)));
        ok(key.Append(static_cast<int64_t>(x.key)));
        ok(value.Append(static_cast<int64_t>(x.value)));
        ok(doc.Append(all.doc[r]));
      }
    }
    const auto schema = arrow::schema({arrow::field("lane", arrow::int32()), arrow::field("key", arrow::int64()),
                                       arrow::field("value", arrow::int64()), arrow::field("doc", arrow::int64())});
    const int64_t n = lane.length();
    return {arrow::RecordBatch::Make(schema, n, {done(lane), done(key), done(value), done(doc)})};
  }

  bool needs_lone_records(size_t pass) const { return plan_.stages[global(pass)].global->needs_lone_records(); }

  // Decides from the records of the global operator after `pass`: all, or all whose lane and key occur twice where it
  // needs no lone ones.
  void group(size_t pass, const nb::object& records, uint64_t documents) {
    const BatchPtr in = import_batch(records);
    plan_.stages[global(pass)].global->group(Gathered(*in, documents));
  }

 private:
  static void ok(const arrow::Status& status) { check(status, "frugal_data", kBad); }
  template <typename Builder>
  static std::shared_ptr<arrow::Array> done(Builder& builder) {
    return take(builder.Finish(), "frugal_data", kBad);
  }
  size_t global(size_t n) const {
    if (n >= globals_.size())
      fail(ErrorCode::kUsage, "frugal_data", "found pass {}, expected one of {} before a global operator", n,
           globals_.size());
    return globals_[n];
  }

  Numbered documents(const arrow::RecordBatch& rows) const {
    const auto doc = longs(rows, "doc");
    const auto text = rows.GetColumnByName("text");
    if (!text || !holds_text(*text->type())) fail(kBad, "frugal_data", "found no texts in a column 'text'");
    const auto others = take(rows.RemoveColumn(rows.schema()->GetFieldIndex("doc")), "frugal_data", kBad);
    Numbered out;
    Faults faults;
    for (int64_t row : add_rows(*others, {}, plan_.schema.columns, out.batch, faults))
      out.doc.push_back(doc->Value(row));
    return out;
  }

  void one(Numbered& all, size_t r, size_t first, size_t end) {
    for (size_t s = first; s < end; ++s) {
      const Stage& stage = plan_.stages[s];
      Document document(all.batch, r);
      document.columns = stage.first_column;
      document.reasons = stage.first_reason;
      if (stage.row)
        stage.row->apply(document, scratch_);
      else
        stage.global->apply(document, static_cast<uint64_t>(all.doc[r]), scratch_);
      if (document.kept()) continue;
      all.batch.stage[r] = static_cast<uint16_t>(s);
      return;
    }
  }

  static Exported with_reasons(const Numbered& all, const Schema& schema) {
    arrow::Int64Builder doc;
    arrow::StringBuilder stage, reason;
    ok(doc.AppendValues(all.doc));
    for (size_t r = 0; r < all.batch.rows(); ++r) {
      const uint16_t verdict = all.batch.verdict[r];
      ok(verdict == kKept ? stage.AppendNull() : stage.Append(schema.stages[all.batch.stage[r]]));
      ok(verdict == kKept ? reason.AppendNull() : reason.Append(schema.reasons[verdict - 1u]));
    }
    BatchPtr rows = to_arrow(all.batch, schema.columns, {}, "frugal_data");
    rows = take(rows->AddColumn(0, arrow::field("reason", arrow::utf8()), done(reason)), "frugal_data", kBad);
    rows = take(rows->AddColumn(0, arrow::field("dropped_by", arrow::utf8()), done(stage)), "frugal_data", kBad);
    return {take(rows->AddColumn(0, arrow::field("doc", arrow::int64()), done(doc)), "frugal_data", kBad)};
  }

  Plan plan_;
  std::vector<size_t> globals_;
  Scratch scratch_;
};

}  // namespace
}  // namespace frugal::data

NB_MODULE(frugal_data, m) {
  using frugal::data::Exported;
  using frugal::data::Stages;
  nb::class_<Exported>(m, "RecordBatch")
      .def("__arrow_c_array__", frugal::data::export_batch, nb::arg("requested_schema") = nb::none());
  nb::class_<Stages>(m, "Stages", "the stages of a pipeline without its ends: \"gopher_quality | minhash\"")
      .def(nb::init<const std::string&>(), nb::arg("spec"))
      .def("passes", &Stages::passes)
      .def("ddl", &Stages::ddl)
      .def("apply", &Stages::apply, nb::arg("pass_"), nb::arg("rows"))
      .def("sketch", &Stages::sketch, nb::arg("pass_"), nb::arg("rows"))
      .def("needs_lone_records", &Stages::needs_lone_records, nb::arg("pass_"))
      .def("group", &Stages::group, nb::arg("pass_"), nb::arg("records"), nb::arg("documents"));
}
