// What global operators do with the records that were exchanged: those that belong together, brought together.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "data/dedup/clusters.h"
#include "data/op.h"

namespace frugal::data {

// Calls visit(run) for the records of each lane that have one key, in the order of their documents; key(record): what
// must be equal, of which SeenRecord::key is a part. Memory: one slice of a lane.
template <typename Key, typename Visit>
void for_each_run(const Sketches& sketches, Key key, Visit visit) {
  for (uint32_t lane : sketches.lanes())
    for (uint32_t slice = 0; slice < sketches.slices(); ++slice) {
      std::vector<SeenRecord> seen = sketches.read(lane, slice);
      std::sort(seen.begin(), seen.end(), [&](const SeenRecord& a, const SeenRecord& b) {
        return std::pair(key(a), a.doc) < std::pair(key(b), b.doc);
      });
      for (size_t i = 0, end; i < seen.size(); i = end) {
        for (end = i + 1; end < seen.size() && key(seen[end]) == key(seen[i]);) ++end;
        visit(std::span<const SeenRecord>(seen).subspan(i, end - i));
      }
    }
}
template <typename Visit>
void for_each_run(const Sketches& sketches, Visit visit) {
  for_each_run(
      sketches, [](const SeenRecord& r) { return r.key; }, visit);
}

// Documents with equal keys are one cluster, of which the first stays or, where values are ranks, that of the greatest.
template <typename Key>
Clusters cluster_runs(const Sketches& sketches, bool ranked, Key key) {
  Clusters clusters(sketches.documents());
  std::vector<uint64_t> ranks(ranked ? sketches.documents() : 0);
  for_each_run(sketches, key, [&](std::span<const SeenRecord> run) {
    for (const SeenRecord& r : run) {
      if (ranked) ranks[r.doc] = r.value;
      clusters.join(run[0].doc, r.doc);
    }
  });
  clusters.settle(ranks);
  return clusters;
}

}  // namespace frugal::data
