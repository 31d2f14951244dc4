#include "data/batch.h"

#include <algorithm>

#include "data/json_scan.h"

namespace frugal::data {

char* Arena::room(size_t bytes) {
  if (size_ - used_ < bytes) {
    size_ = std::max<size_t>(bytes, size_t{1} << 18);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size_));
    used_ = 0;
  }
  char* at = blocks_.empty() ? nullptr : blocks_.back().get() + used_;
  used_ += bytes;
  return at;
}

std::string_view Arena::keep(std::string_view text) {
  if (text.empty()) return {};
  char* at = room(text.size());
  std::memcpy(at, text.data(), text.size());
  return {at, text.size()};
}

void Batch::add(std::string_view text_, std::string_view id_, std::string_view meta_) {
  text.push_back(text_);
  id.push_back(id_);
  meta.push_back(meta_);
  verdict.push_back(kKept);
  stage.push_back(0);
}

void Batch::set_columns(const std::vector<Column>& columns) {
  numbers.resize(columns.size());
  labels.resize(columns.size());
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].is_text)
      labels[c].resize(rows());
    else
      numbers[c].resize(rows(), std::numeric_limits<double>::quiet_NaN());
  }
}

std::string_view meta_value(std::string_view meta, std::string_view name) {
  std::string_view found;
  scan_members(meta, [&](std::string_view key, std::string_view value) {
    if (key == name) found = value;
    return key != name;
  });
  const size_t dot = found.empty() ? name.find('.') : std::string_view::npos;
  if (dot == std::string_view::npos) return found;
  const std::string_view object = meta_value(meta, name.substr(0, dot));
  if (!object.starts_with('{') || !object.ends_with('}')) return {};
  return meta_value(object.substr(1, object.size() - 2), name.substr(dot + 1));
}

std::string meta_text(std::string_view meta, std::string_view name) {
  const std::string_view raw = meta_value(meta, name);
  return raw.starts_with('"') ? unescape_json(raw.substr(1, raw.size() - 2)) : std::string(raw);
}

}  // namespace frugal::data
