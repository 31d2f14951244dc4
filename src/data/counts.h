// What a run counts, by stage, and how it is written into a manifest and read back: so that a resumed run reports the
// whole.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace frugal::data {

struct StageCounts {
  uint64_t docs_in = 0, docs_out = 0, bytes_in = 0;
  double seconds = 0;  // of all workers together
  std::map<std::string, uint64_t> reasons;
};

struct Counts {
  uint64_t source_bytes = 0, source_docs = 0, out_docs = 0, out_bytes = 0;
  double parse_s = 0, encode_s = 0;
  std::map<std::string, uint64_t> faults;
  std::vector<StageCounts> stages;

  explicit Counts(size_t stage_count = 0) : stages(stage_count) {}
  void add(const Counts& other);
  nlohmann::ordered_json to_json() const;
  static Counts from_json(const nlohmann::ordered_json& j);
};

}  // namespace frugal::data
