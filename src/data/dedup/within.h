// What documents are compared within: all of them, or those that agree in a column or a member of their metadata, such
// as `within=dump` or `within=language`. The value is mixed into every key, so groups never meet.
#pragma once

#include <string>
#include <vector>

#include "base/registry.h"
#include "data/batch.h"
#include "data/hash.h"

namespace frugal::data {

class Within {
 public:
  explicit Within(std::string name) : name_(std::move(name)) {}
  void bind(const std::vector<Column>& before) {
    for (size_t c = 0; c < before.size(); ++c)
      if (before[c].name == name_ && before[c].is_text) column_ = c;
  }
  uint64_t seed(const Batch& batch, size_t row) const {
    if (name_.empty()) return 0;
    return hash_bytes(column_ != kNone ? std::string(batch.labels[column_][row]) : meta_text(batch.meta[row], name_),
                      1);
  }
  static ParamInfo param() {
    return ParamInfo::text("within",
                           "compare only documents that agree in this column or metadata member, e.g. language, dump")
        .preset("");
  }

 private:
  static constexpr size_t kNone = ~size_t{0};
  std::string name_;
  size_t column_ = kNone;
};

}  // namespace frugal::data
