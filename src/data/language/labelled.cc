#include "data/language/labelled.h"

#include <algorithm>

#include "base/spec.h"
#include "data/byte_stream.h"
#include "data/files.h"
#include "data/json_scan.h"
#include "data/language/fasttext_words.h"
#include "data/line_reader.h"
#include "data/rules/lines.h"

namespace frugal::data {
namespace {

constexpr size_t kLongestLine = size_t{64} << 20;

std::string as_text(std::string_view json) {
  return json.starts_with('"') ? unescape_json(json.substr(1, json.size() - 2)) : std::string(json);
}

// The labels in a member's value: one, or a list of them.
std::vector<std::string> labels_of(std::string_view json) {
  std::vector<std::string> labels;
  if (!json.starts_with('[')) {
    if (!json.empty() && json != "null" && !json.starts_with('{')) labels.push_back(as_text(json));
    return labels;
  }
  for (size_t at = 1; at + 1 < json.size();) {
    at = json.find_first_not_of(" \t,", at);
    const size_t end = skip_json_value(json, at);
    if (end > at) labels.push_back(as_text(strip(json.substr(at, end - at))));
    at = end + 1;
  }
  return labels;
}

// A label is one word of the model's format.
std::string one_word(std::string label) {
  std::replace_if(label.begin(), label.end(), fasttext_blank, '_');
  return label;
}

void give(std::string_view text, std::vector<std::string> labels, const VisitLabelled& visit, Faults& faults) {
  for (std::string& l : labels) l = one_word(std::move(l));
  std::erase(labels, "");
  labels.empty() ? void(++faults["no label"]) : visit(text, labels);
}

void read_json(const std::string& file, const LabelledNames& names, const VisitLabelled& visit, Faults& faults) {
  Unit unit{"jsonl", {}};
  unit.args = {{"path", Value::of(file)}, {"text", Value::of(names.text)}};
  const std::unique_ptr<Source> source = make_method<MakeEnd>("data", unit, false).source;
  for (const Part& part : source->parts()) {
    const std::unique_ptr<BlockReader> reader = source->open(part);
    for (RawBlock block; reader->next(block, faults);) {
      Batch batch;
      source->parse(std::move(block), batch, faults);
      for (size_t r = 0; r < batch.rows(); ++r)
        give(batch.text[r], labels_of(meta_value(batch.meta[r], names.label)), visit, faults);
      block = {};
    }
  }
}

void read_text(const Part& part, const VisitLabelled& visit, Faults& faults) {
  const std::unique_ptr<BlockReader> reader = read_lines(part, kLongestLine);
  std::vector<std::string_view> lines;
  for (RawBlock block; reader->next(block, faults); block = {}) {
    split_at_newlines({block.bytes.data(), block.size}, lines);
    for (std::string_view line : lines) {
      std::vector<std::string> labels;
      std::string text;
      for_each_fasttext_word(line, [&](std::string_view word) {
        if (word.starts_with(kFastTextPrefix))
          labels.emplace_back(word.substr(kFastTextPrefix.size()));
        else if (word != kFastTextEnd)
          text.append(text.empty() ? "" : " ").append(word);
      });
      if (!strip(line).empty()) give(text, std::move(labels), visit, faults);
    }
  }
}

}  // namespace

Faults read_labelled(const std::vector<std::string>& files, const LabelledNames& names, const VisitLabelled& visit) {
  Faults faults;
  for (const std::string& pattern : files) {
    for (const Part& part : cut_into_parts(matching_files(pattern), ~uint64_t{0})) {
      char first = 0;
      open_stream(part)->read(&first, 1, faults);
      first == '{' ? read_json(part.path, names, visit, faults) : read_text(part, visit, faults);
    }
  }
  return faults;
}

}  // namespace frugal::data
