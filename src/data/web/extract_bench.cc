// Quality and speed of main-content extraction: extract_bench FOLDER [PREFIX], where FOLDER holds html/ID.html.gz and
// truth.jsonl with {"id", "type", "text"} a line. Prints the mean word F1 (multiset overlap of lower-case runs of
// letters, digits and _), by page type too, and MB a CPU second; with PREFIX, writes what was extracted to
// PREFIX/ID.txt.
#include <zlib.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "data/web/page_text.h"
#include "data/web/warc.h"
#include "text/jinja/unicode.h"

namespace {

using Counts = std::unordered_map<std::string, int>;

Counts words(const std::string& text) {
  Counts out;
  std::string word;
  const std::string low = frugal::jinja::lower(text);
  for (std::string_view c : frugal::jinja::Characters(low)) {
    const uint32_t code = frugal::jinja::code_point(c);
    if (frugal::jinja::is_alpha(code) || frugal::jinja::is_digit(code) || code == '_')
      word += c;
    else if (!word.empty())
      ++out[word], word.clear();
  }
  if (!word.empty()) ++out[word];
  return out;
}

double f1(const std::string& a, const std::string& b) {
  const Counts x = words(a), y = words(b);
  double shared = 0, all_x = 0, all_y = 0;
  for (const auto& [w, n] : x) all_x += n, shared += y.contains(w) ? std::min(n, y.at(w)) : 0;
  for (const auto& [w, n] : y) all_y += n;
  return all_x + all_y == 0 ? 1 : 2 * shared / (all_x + all_y);
}

std::string unzipped(const std::string& path) {
  std::string out;
  gzFile in = gzopen(path.c_str(), "rb");
  char buffer[1 << 16];
  for (int n; in != nullptr && (n = gzread(in, buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<size_t>(n));
  if (in != nullptr) gzclose(in);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string folder = argv[1];
  std::ifstream in(folder + "/truth.jsonl");
  std::map<std::string, std::pair<double, int>> types;
  frugal::data::HtmlParser parser;
  double seconds = 0, bytes = 0;
  for (std::string line; std::getline(in, line);) {
    const auto row = nlohmann::json::parse(line);
    const std::string id = row.at("id"),
                      html = frugal::data::to_utf8(unzipped(folder + "/html/" + id + ".html.gz"), "");
    const std::clock_t begin = std::clock();
    const std::string text = frugal::data::main_text(parser.parse(html));
    seconds += static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    bytes += static_cast<double>(html.size());
    const double score = f1(text, row.at("text"));
    if (argc > 2) {
      std::ofstream(std::string(argv[2]) + "/" + id + ".txt") << text;
      std::printf("%s %s %.3f\n", id.c_str(), row.at("type").get<std::string>().c_str(), score);
    }
    for (const std::string& type : {row.at("type").get<std::string>(), std::string("all")})
      types[type].first += score, ++types[type].second;
  }
  for (const auto& [type, sum] : types)
    std::printf("%-14s %4d pages  F1 %.3f\n", type.c_str(), sum.second, sum.first / sum.second);
  std::printf("%.1f MB a CPU second\n", bytes / 1e6 / seconds);
  return 0;
}
