// threshold: other limits on values that are there already: a column of a stage before, or a value that an earlier run
// wrote beside the document, or a number (true is 1) in its metadata, such as metadata.length. So a rule is computed
// once and its limit chosen later:
//   jsonl(scored) | threshold(gopher_words,>=,100) | jsonl(out)
// Documents without the value are kept, and counted in the column threshold_missing.
#include <cstdlib>

#include "data/op.h"

namespace frugal::data {
namespace {

class Threshold : public RowOp {
 public:
  Threshold(std::string column, const std::string& op, double value)
      : name_(std::move(column)), op_(op), value_(value) {}
  std::vector<Column> columns() const override { return {{"threshold_missing"}}; }
  std::vector<std::string> reasons() const override { return {"threshold " + name_}; }
  void bind(const std::vector<Column>& before) override {
    for (size_t c = 0; c < before.size(); ++c)
      if (before[c].name == name_ && !before[c].is_text) column_ = c;
  }

  void apply(Document& doc, Scratch&) const override {
    double value = column_ == kNone ? stored(doc.meta()) : doc.number_at(column_);
    if (std::isnan(value)) return doc.number(0, 1);
    if (!holds(value)) doc.drop(0);
  }

 private:
  // A value of an earlier run, else a member of the metadata.
  double stored(std::string_view meta) const {
    const std::string_view values = meta_value(meta, "values");
    const std::string_view value = values.size() < 2 ? values : meta_value(values.substr(1, values.size() - 2), name_);
    return number(value.empty() ? meta_value(meta, name_) : value);
  }
  static double number(std::string_view json) {
    if (json == "true" || json == "false") return json == "true" ? 1 : 0;
    const std::string raw(json);
    char* end = nullptr;
    const double value = std::strtod(raw.c_str(), &end);
    return end == raw.c_str() ? std::numeric_limits<double>::quiet_NaN() : value;
  }
  bool holds(double v) const {
    if (op_ == "<") return v < value_;
    if (op_ == "<=") return v <= value_;
    if (op_ == ">") return v > value_;
    return op_ == ">=" ? v >= value_ : v == value_;
  }

  static constexpr size_t kNone = ~size_t{0};
  std::string name_, op_;
  double value_;
  size_t column_ = kNone;
};

const Register<MakeRowOp> kThreshold(
    {.kind = "data",
     .role = "filter",
     .name = "threshold",
     .help = "keeps documents whose stored value compares as asked: threshold(gopher_words,>=,100)",
     .params = {ParamInfo::text("column", "a value's name, or a path in the metadata: attributes.toxicity"),
                ParamInfo::choice("op", {"<", "<=", ">", ">=", "=="}, "value op limit must hold"),
                ParamInfo::real("value", "the limit")}},
    [](const Args& a) { return std::make_unique<Threshold>(a.text("column"), a.text("op"), a.real("value")); });

}  // namespace
}  // namespace frugal::data
