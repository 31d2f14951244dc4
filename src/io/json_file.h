// JSON files that nobody vouches for: bounded depth, errors with path and position.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace frugal {

// Small files whose order is kept (config.json): at most 16384 keys, for an ordered object takes quadratic time to
// fill.
nlohmann::ordered_json read_json_file(const std::string& path);

// Files of any size (tokenizer.json, an index of shards); objects come sorted by key.
nlohmann::json read_large_json_file(const std::string& path);

// The same from memory; where names the text in errors.
nlohmann::ordered_json parse_json(const char* text, size_t size, const std::string& where);
nlohmann::json parse_large_json(const char* text, size_t size, const std::string& where);

// For messages: JSON in one line of at most 80 bytes, whatever bytes its texts hold.
std::string shown(const nlohmann::ordered_json& json);

}  // namespace frugal
