#include "decode/draft/drafter.h"

#include "base/error.h"

namespace frugal {
namespace {

Unit one_unit(const std::string& text) {
  const Spec spec = parse_spec(text);
  if (spec.size() != 1 || spec[0].scope.narrows())
    fail(ErrorCode::kUsage, "draft", "found '{}', expected one drafter; tree(of=[...]) joins several", text);
  return spec[0].unit;
}

}  // namespace

std::unique_ptr<Drafter> make_drafter(const std::string& spec, const DraftTarget& target) {
  return make_drafter(one_unit(spec), target);
}

std::unique_ptr<Drafter> make_drafter(const Unit& unit, const DraftTarget& target) {
  return make_method<MakeDrafter>("draft", unit, target);
}

std::string canonical_draft_spec(const std::string& spec) {
  const Unit unit = one_unit(spec);
  check_spec("draft", {{{}, unit}});
  return to_string(canonical("draft", {{{}, unit}}));
}

ParamInfo draft_length_param(const char* preset) {
  return ParamInfo::integer("k", "tokens drafted a step; auto: as many as measured cost and acceptance make worth it")
      .preset(preset)
      .within(1, 64)
      .words({"auto"});
}

bool draft_length_is_auto(const Args& args) { return args.text("k") == "auto"; }

int draft_length(const Args& args) {
  return draft_length_is_auto(args) ? kMostAuto : static_cast<int>(args.integer("k"));
}

}  // namespace frugal
