#include "kv/policy/policy.h"

#include <cmath>

namespace frugal {

int64_t rows_of(const Budget& budget, const PolicyRoom& room, int64_t fewest) {
  const double n = budget.amount;
  switch (budget.kind) {
    case Budget::Kind::kRows: return static_cast<int64_t>(n);
    case Budget::Kind::kBytes: return std::max<int64_t>(1, static_cast<int64_t>(n / room.row_bytes) - room.slack);
    case Budget::Kind::kPercent: break;
  }
  return std::max(fewest, static_cast<int64_t>(std::floor(static_cast<double>(room.prompt) * n / 100 + 1e-9)));
}

namespace {

struct Full : Policy {};

const Register<MakePolicy> kFull(
    {.kind = "kv", .role = "policy", .name = "full", .help = "keeps every row (the default)", .abilities = {"any-row"}},
    [](const Args&) { return std::make_unique<Full>(); });

}  // namespace
}  // namespace frugal
