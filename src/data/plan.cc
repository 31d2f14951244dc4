#include "data/plan.h"

#include <algorithm>

#include "base/error.h"
#include "base/spec.h"

namespace frugal::data {
namespace {

End make_end(const Unit& unit, bool writing) {
  const MethodInfo& info = need_method("data", unit.name);
  if (info.role != "store" && info.role != (writing ? "sink" : "source"))
    fail(ErrorCode::kUsage, "data", "found {} at the {} of the pipeline, expected {}", unit.name,
         writing ? "end" : "front",
         writing ? "what is written, such as jsonl(out)" : "what is read, such as jsonl(in.jsonl.gz)");
  return make_method<MakeEnd>("data", unit, writing);
}

Stage make_stage(const Unit& unit) {
  Stage stage;
  stage.name = to_string(unit);
  const std::string role = need_method("data", unit.name).role;
  if (role == "filter")
    stage.row = make_method<MakeRowOp>("data", unit);
  else if (role == "dedup")
    stage.global = make_method<MakeGlobalOp>("data", unit);
  else
    fail(ErrorCode::kUsage, "data", "found {} inside the pipeline, expected it at an end", unit.name);
  return stage;
}

// A second stage of one kind names its columns name.2 and so on.
Column unique(Column column, const std::vector<Column>& before) {
  const std::string name = column.name;
  const auto taken = [&] {
    return std::any_of(before.begin(), before.end(), [&](const Column& c) { return c.name == column.name; });
  };
  for (int n = 2; taken(); ++n) column.name = fmt::format("{}.{}", name, n);
  return column;
}

void number_columns(Stage& stage, Schema& schema) {
  stage.first_column = schema.columns.size();
  stage.first_reason = schema.reasons.size();
  stage.row ? stage.row->bind(schema.columns) : stage.global->bind(schema.columns);
  for (const Column& c : stage.row ? stage.row->columns() : stage.global->columns())
    schema.columns.push_back(unique(c, schema.columns));
  for (const std::string& r : stage.row ? stage.row->reasons() : stage.global->reasons()) schema.reasons.push_back(r);
  schema.stages.push_back(stage.name);
}

Spec checked(const std::string& text) {
  Spec spec = parse_spec(text);
  for (const frugal::Part& part : spec)
    if (part.scope.narrows())
      fail(ErrorCode::kUsage, "data", "found a scope before {}, expected none in a pipeline", part.unit.name);
  check_spec("data", spec);
  return canonical("data", spec);
}

void add_stage(const Unit& unit, Plan& plan) {
  plan.stages.push_back(make_stage(unit));
  number_columns(plan.stages.back(), plan.schema);
}

}  // namespace

Plan make_plan(const std::string& text) {
  const Spec spec = checked(text);
  if (spec.size() < 2)
    fail(ErrorCode::kUsage, "data",
         "found one stage, expected at least a source and a sink: \"jsonl(in) | jsonl(out)\"");
  Plan plan;
  plan.spec = to_string(spec);
  plan.source = make_end(spec.front().unit, false).source;
  plan.sink = make_end(spec.back().unit, true).sink;
  plan.schema.columns = plan.source->columns();
  for (size_t i = 1; i + 1 < spec.size(); ++i) add_stage(spec[i].unit, plan);
  return plan;
}

Plan make_stages(const std::string& text) {
  Plan plan;
  for (const frugal::Part& part : checked(text)) add_stage(part.unit, plan);
  return plan;
}

}  // namespace frugal::data
