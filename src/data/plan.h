// A pipeline from its spec: source | operators | sink, checked and with the columns and reasons of all stages numbered.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/op.h"

namespace frugal::data {

struct Stage {
  std::string name;  // as in the spec, with its arguments
  std::unique_ptr<RowOp> row;
  std::unique_ptr<GlobalOp> global;  // one of the two
  size_t first_column = 0, first_reason = 0;
};

struct Plan {
  std::string spec;  // canonical
  std::unique_ptr<Source> source;
  std::vector<Stage> stages;
  std::unique_ptr<Sink> sink;
  Schema schema;
};

// Throws Error(kUsage): an unknown operator, a wrong parameter, a source or sink in the wrong place.
Plan make_plan(const std::string& spec);
// Only what stands between the ends, "gopher_quality | minhash": for engines that read and write by themselves.
Plan make_stages(const std::string& spec);

}  // namespace frugal::data
