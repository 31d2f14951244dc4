#include "io/json_file.h"

#include "base/error.h"
#include "base/mapped_file.h"

namespace frugal {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxOrderedKeys = 1 << 14;

template <typename Json>
Json parse(const char* text, size_t size, const std::string& where, size_t max_keys) {
  size_t keys = 0;
  auto watch = [&](int depth, typename Json::parse_event_t event, Json&) {
    if (depth > kMaxDepth) fail(ErrorCode::kBadInput, "json", "{} nests deeper than {}", where, kMaxDepth);
    if (event == Json::parse_event_t::key && ++keys > max_keys)
      fail(ErrorCode::kBadInput, "json", "{} has more than {} keys", where, max_keys);
    return true;
  };
  try {
    return Json::parse(text, text + size, watch);
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kBadInput, "json", "{} is not JSON: {}", where, e.what());
  }
}

template <typename Json>
Json read(const std::string& path, size_t max_keys) {
  const MappedFile file(path);
  return parse<Json>(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size(), path, max_keys);
}

}  // namespace

nlohmann::ordered_json read_json_file(const std::string& path) {
  return read<nlohmann::ordered_json>(path, kMaxOrderedKeys);
}
nlohmann::json read_large_json_file(const std::string& path) { return read<nlohmann::json>(path, SIZE_MAX); }

nlohmann::ordered_json parse_json(const char* text, size_t size, const std::string& where) {
  return parse<nlohmann::ordered_json>(text, size, where, kMaxOrderedKeys);
}

nlohmann::json parse_large_json(const char* text, size_t size, const std::string& where) {
  return parse<nlohmann::json>(text, size, where, SIZE_MAX);
}

std::string shown(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).substr(0, 80);
}

}  // namespace frugal
