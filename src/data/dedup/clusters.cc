#include "data/dedup/clusters.h"

#include <numeric>

#include "base/error.h"

namespace frugal::data {

Clusters::Clusters(uint64_t documents) {
  if (documents >= uint64_t{1} << 32)
    fail(ErrorCode::kUnsupported, "data", "found {} documents, expected fewer than 2^32 in one run of deduplication",
         documents);
  parent_.resize(documents);
  std::iota(parent_.begin(), parent_.end(), 0u);
}

void Clusters::settle(const std::vector<uint64_t>& ranks) {
  for (uint32_t d = 0; d < parent_.size(); ++d) {
    const uint32_t r = root(d);
    parent_[d] = r;  // so that keeper() can be const
    if (r == d) continue;
    Cluster& c = clusters_.try_emplace(r, Cluster{r, 1}).first->second;
    ++c.size;
    if (!ranks.empty() && ranks[d] > ranks[c.keeper]) c.keeper = d;
  }
}

uint64_t Clusters::keeper(uint64_t d) const {
  const auto found = clusters_.find(parent_[d]);
  return found == clusters_.end() ? d : found->second.keeper;
}

uint64_t Clusters::size(uint64_t d) const {
  const auto found = clusters_.find(parent_[d]);
  return found == clusters_.end() ? 1 : found->second.size;
}

}  // namespace frugal::data
