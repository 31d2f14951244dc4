// For tests: the golden files of tokenizers, one JSON value a line.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace frugal {

template <typename T>
std::vector<T> golden_rows(const std::string& name) {
  std::vector<T> rows;
  std::ifstream in(FRUGAL_SOURCE_DIR "/tests/golden/tokenizer/" + name);
  for (std::string line; std::getline(in, line);) rows.push_back(nlohmann::json::parse(line).get<T>());
  return rows;
}

}  // namespace frugal
