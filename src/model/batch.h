// One forward's input: packed rows of several sequences of different lengths and phases.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kv/cache.h"

namespace frugal {

enum class TokenClass : uint8_t { kText, kImage, kSpecial };

struct Batch {
  std::vector<int32_t> ids;         // by row; -1 where embeddings holds the row
  std::vector<float> embeddings;    // rows x C, or empty; read where ids is -1
  std::vector<int32_t> positions;   // by row
  std::vector<TokenClass> classes;  // by row, or empty: all text
  std::vector<KvRows> seqs;         // consecutive shares of the rows
  std::vector<int> logit_rows;      // rows whose logits are wanted, ascending
  int rows() const { return static_cast<int>(ids.size()); }
  void clear() {
    ids.clear();
    embeddings.clear();
    positions.clear();
    classes.clear();
    seqs.clear();
    logit_rows.clear();
  }
};

}  // namespace frugal
