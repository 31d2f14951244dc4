#include "data/web/word_list.h"

#include "data/byte_stream.h"
#include "data/files.h"
#include "data/rules/lines.h"

namespace frugal::data {

std::vector<std::string> read_list(const std::string& pattern) {
  std::vector<std::string> out;
  for (const Part& part : cut_into_parts(matching_files(pattern), ~uint64_t{0})) {
    const auto stream = open_stream(part);
    std::string all;
    Faults faults;
    std::vector<char> buffer(1 << 16);
    while (const size_t n = stream->read(buffer.data(), buffer.size(), faults)) all.append(buffer.data(), n);
    std::vector<std::string_view> lines;
    split_at_newlines(all, lines);
    for (std::string_view line : lines)
      if (line = strip(line); !line.empty() && line.front() != '#') out.emplace_back(line);
  }
  return out;
}

}  // namespace frugal::data
