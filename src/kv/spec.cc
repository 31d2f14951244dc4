#include "kv/spec.h"

#include "base/error.h"

namespace frugal {
namespace {

int narrowness(const Scope& s) { return (s.layers.empty() ? 0 : 2) + (s.side != 0 ? 1 : 0); }

void require_side(const Part& part, const MethodInfo& info) {
  if (part.scope.side != 0 && info.role != "codec")
    fail(ErrorCode::kUsage, "kv", "{} is a {}, which holds for keys and values together; found the scope {}:", info.name,
         info.role, part.scope.side);
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
  return l;
}

}  // namespace

std::vector<LayerSpec> resolve_kv_spec(const std::string& text, int layers) {
  const Spec spec = parse_spec(text);
  check_spec("kv", spec);
  require_one_of_each_role(spec);
  std::vector<LayerSpec> list;
  for (int l = 0; l < layers; ++l) list.push_back(resolve_layer(spec, l));
  return list;
}

std::string canonical_kv_spec(const std::string& text) { return to_string(canonical("kv", parse_spec(text))); }

}  // namespace frugal
