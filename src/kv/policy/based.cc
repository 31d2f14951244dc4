#include "kv/policy/based.h"

#include "base/error.h"

namespace frugal {

std::unique_ptr<Policy> make_base(const Args& args, const char* ability, const char* why) {
  const char* name = args.method().name.c_str();
  const Spec& spec = args.spec("base");
  if (spec.size() != 1 || spec[0].scope.narrows())
    fail(ErrorCode::kUsage, name, "found base=({}), expected one policy", to_string(spec));
  Unit unit = spec[0].unit;
  const MethodInfo& info = need_method("kv", unit.name);
  const auto& can = info.abilities;
  if (info.role != "policy" || std::find(can.begin(), can.end(), ability) == can.end())
    fail(ErrorCode::kUsage, name, "found base={}, expected {}", unit.name, why);
  const Unit given = args.canonical();
  for (const Arg& a : given.args) {
    if (a.name != "budget" && a.name != "every" && a.name != "chunk") continue;
    const bool takes =
        std::any_of(info.params.begin(), info.params.end(), [&](const ParamInfo& p) { return p.name == a.name; });
    if (!takes) fail(ErrorCode::kUsage, name, "found {} for base={}, which has none", a.name, unit.name);
    unit.args.push_back(a);
  }
  return make_method<MakePolicy>("kv", unit);
}

}  // namespace frugal
