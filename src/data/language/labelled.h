// Texts with labels, as classifiers are trained and tested on them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/op.h"

namespace frugal::data {

struct LabelledNames {
  std::string text = "text", label = "label";  // members of JSON lines
};
using VisitLabelled = std::function<void(std::string_view text, const std::vector<std::string>& labels)>;

// Visits every text of the files (or folders, or patterns; packed ones too) that has a label. A file whose first byte
// is { holds JSON lines, the label a text, a number or a list of these; another holds a text a line, in which words
// that begin with __label__ are its labels. Throws Error(kNotFound). Returns the faults: "no label", "bad JSON", ...
Faults read_labelled(const std::vector<std::string>& files, const LabelledNames& names, const VisitLabelled& visit);

}  // namespace frugal::data
