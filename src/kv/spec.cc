#include "kv/spec.h"

#include <algorithm>

#include "base/error.h"

namespace frugal {
namespace {

int narrowness(const Scope& s) { return (s.layers.empty() ? 0 : 2) + (s.side != 0 ? 1 : 0); }

void require_side(const Part& part, const MethodInfo& info) {
  if (part.scope.side != 0 && info.role != "codec")
    fail(ErrorCode::kUsage, "kv",
         "{} is a {}, which holds for keys and values together; found the scope {}:", info.name, info.role,
         part.scope.side);
}

// A second codec (policy, layout) in the very same scope would silently lose the first.
void require_one_of_each_role(const Spec& spec) {
  for (const Part& a : spec)
    for (const Part& b : spec)
      if (&a < &b && a.scope == b.scope && need_method("kv", a.unit.name).role == need_method("kv", b.unit.name).role)
        fail(ErrorCode::kUsage, "kv", "found {} and {} in one scope; expected one {} there", a.unit.name, b.unit.name,
             need_method("kv", a.unit.name).role);
}

struct Chosen {
  int rank = -1;
  void offer(int rank_offered, const Unit& unit, Unit& into) {
    if (rank_offered < rank) return;
    rank = rank_offered;
    into = unit;
  }
};

bool can(const Unit& unit, const char* ability) {
  const auto& abilities = need_method("kv", unit.name).abilities;
  return std::find(abilities.begin(), abilities.end(), ability) != abilities.end();
}

// A merge adds to a value that is stored already, and rounding codes again and again adds up.
void refuse_merging_into_codes(const LayerSpec& l) {
  if (can(l.policy, "merges") && !can(l.v_codec, "floats"))
    fail(ErrorCode::kUsage, "kv",
         "{} cannot combine with values in {}: a merge never lands in a quantised row; expected f32, f16 or bf16 for "
         "values",
         l.policy.name, l.v_codec.name);
}

// What moves or closes rows of one head wants pages of one head.
void choose_layout(LayerSpec& l, bool asked) {
  const Unit* why = can(l.policy, "evicts")    ? &l.policy
                    : can(l.k_codec, "closes") ? &l.k_codec
                    : can(l.v_codec, "closes") ? &l.v_codec
                                               : nullptr;
  if (why == nullptr || l.layout.name == "ragged") return;
  if (asked)
    fail(ErrorCode::kUsage, "kv",
         "{} cannot combine with {}: heads keep different rows, and its pages hold the rows of all heads; expected "
         "ragged",
         why->name, l.layout.name);
  l.layout = {"ragged", {}};
}

LayerSpec resolve_layer(const Spec& spec, int layer) {
  LayerSpec l;
  Chosen policy, k, v, layout;
  for (const Part& part : spec) {
    const MethodInfo& info = need_method("kv", part.unit.name);
    require_side(part, info);
    if (!part.scope.covers(layer)) continue;
    const int rank = narrowness(part.scope);
    if (info.role == "policy") policy.offer(rank, part.unit, l.policy);
    if (info.role == "layout") layout.offer(rank, part.unit, l.layout);
    if (info.role == "codec" && part.scope.side != 'v') k.offer(rank, part.unit, l.k_codec);
    if (info.role == "codec" && part.scope.side != 'k') v.offer(rank, part.unit, l.v_codec);
  }
  refuse_merging_into_codes(l);
  choose_layout(l, layout.rank >= 0);
  return l;
}

}  // namespace

std::vector<LayerSpec> resolve_kv_spec(const std::string& text, int layers) {
  const Spec spec = parse_spec(text);
  check_spec("kv", spec);
  require_one_of_each_role(spec);
  std::vector<LayerSpec> list;
  list.reserve(static_cast<size_t>(layers));
  for (int l = 0; l < layers; ++l) list.push_back(resolve_layer(spec, l));
  return list;
}

std::string canonical_kv_spec(const std::string& text) { return to_string(canonical("kv", parse_spec(text))); }

}  // namespace frugal
