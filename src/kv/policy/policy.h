// A policy says which rows of a cache stay. It owns no state of any row: what it needs to know lies in columns beside
// the rows, which the layout keeps and moves with them, and the layout carries out what it selects.
//
// When: at the end of a prompt and wherever the committed length crosses a multiple of `every` (with chunk > 0 inside
// prompts too, at its multiples). What: a declarative selection for each layer and key/value head.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kv/schedule.h"

namespace frugal {

// What is to be kept with each row. A key/value head's probability is the mean of its query heads'.
struct PolicyNeeds {
  bool mass = false;         // probabilities of all queries so far, summed
  bool decode_mass = false;  // ... of those behind the first prompt
  bool value_norms = false;  // sum of |v|
  int history = 0;           // for each of the last so many queries: was its probability below 1 / (rows it saw)?
  bool queries() const { return mass || decode_mass || history > 0; }
  PolicyNeeds operator|(const PolicyNeeds& o) const {
    return {mass || o.mass, decode_mass || o.decode_mass, value_norms || o.value_norms, std::max(history, o.history)};
  }
};

// What a budget is taken of.
struct PolicyRoom {
  int64_t prompt = 0;    // tokens seen when the latest prompt ended
  double row_bytes = 1;  // of one row in every layer and head, columns included
  int64_t slack = 0;     // rows that a head's pages may hold beyond the budget between events
};

// Rows [0, n) of one head, oldest first; columns that were not asked for are empty.
struct PolicyRows {
  int layer = 0, head = 0;
  int64_t seen = 0;                // tokens so far
  std::span<const int32_t> token;  // number of each row's token
  std::span<const float> mass, decode_mass, value_norm;
  std::span<const uint16_t> low;  // of the last `history` queries, those with a probability below the uniform one
  int history = 0;
};

struct PolicySelection {
  int64_t most = 0;               // nothing leaves while there are no more rows than this ...
  int64_t keep = 0;               // ... else so many stay:
  int64_t first = 0, recent = 0;  // the first and the newest whatever their score, then those of the highest
};

class Policy {
 public:
  virtual ~Policy() = default;
  virtual PolicyNeeds needs() const { return {}; }
  virtual KvSchedule schedule() const { return {}; }
  virtual PolicySelection select(const PolicyRoom&) const { return {}; }
  // A score for each row, higher is worth more; of equal ones the older leaves first.
  virtual void score(const PolicyRows&, std::span<float>) const {}
  virtual bool counts_in_cache() const { return false; }  // positions are those inside the cache
  // CaM: the kept rows behind a leaving one among which its value is shared out; 0: it goes.
  virtual int merge_targets() const { return 0; }
  virtual bool merges(const PolicyRows&, size_t /*leaving*/, std::span<const size_t> /*targets*/) const {
    return false;
  }
};

using MakePolicy = std::unique_ptr<Policy>(const Args&);

// Rows that a budget comes to; a share of the prompt at least `fewest`.
int64_t rows_of(const Budget& budget, const PolicyRoom& room, int64_t fewest);
constexpr int64_t kFewestRows = 64;

}  // namespace frugal
