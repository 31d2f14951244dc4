// Union-find over documents, and which of each cluster stays.
//
// Roots are the least number of a cluster, whatever the order in which pairs come, and paths are halved in a loop: a
// chain of a million documents takes no stack. Memory: 4 bytes a document, and 8 more where the keeper is not the
// first.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace frugal::data {

class Clusters {
 public:
  explicit Clusters(uint64_t documents);  // throws Error beyond 2^32

  void join(uint64_t a, uint64_t b) {
    uint32_t x = root(static_cast<uint32_t>(a)), y = root(static_cast<uint32_t>(b));
    if (x == y) return;
    if (y < x) std::swap(x, y);
    parent_[y] = x;
  }
  uint32_t root(uint32_t d) {
    while (parent_[d] != d) d = parent_[d] = parent_[parent_[d]];
    return d;
  }
  // Picks the member of each cluster with the greatest rank, the first of equals; ranks: by document, or empty for the
  // first.
  void settle(const std::vector<uint64_t>& ranks);

  // After settle().
  uint64_t keeper(uint64_t d) const;
  uint64_t size(uint64_t d) const;  // of d's cluster

 private:
  struct Cluster {
    uint32_t keeper = 0, size = 0;
  };
  std::vector<uint32_t> parent_;
  std::unordered_map<uint32_t, Cluster> clusters_;  // those of more than one, by root
};

}  // namespace frugal::data
