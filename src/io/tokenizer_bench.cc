// Tokenizers against the reference: speed, and ids and pieces of many texts for tools/check_tokenizers.py.
// FILE is a model, a tokenizer.json or a tokenizer.model.
// usage: tokenizer_bench speed FILE TEXT [rounds]   MB/s of encoding TEXT's lines and TEXT whole, one line each round
//        tokenizer_bench ids FILE                   for each JSON string on stdin, a line with the JSON list of its ids
//        tokenizer_bench pieces NAME [PATTERN ...]  the same with the pieces of a pre-tokenizer
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/mapped_file.h"
#include "io/json_file.h"
#include "io/model_config.h"
#include "io/sentencepiece_model.h"
#include "io/tokenizer_json.h"
#include "text/pre_tokenizer.h"

using namespace frugal;

namespace {

double cpu_seconds() {  // this thread's own, on a machine that others use too
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// A model, or a tokenizer.json or tokenizer.model alone.
std::unique_ptr<Tokenizer> open_tokenizer(const std::string& path) {
  if (path.ends_with(".json")) return make_tokenizer(tokenizer_from_json(read_large_json_file(path), nullptr));
  if (path.ends_with(".model")) return make_tokenizer(tokenizer_from_sentencepiece(MappedFile(path).bytes()));
  return make_tokenizer(read_tokenizer(Checkpoint::open(path)));
}

template <typename F>
void each_text(F answer) {
  for (std::string line; std::getline(std::cin, line);) {
    const nlohmann::json out = answer(nlohmann::json::parse(line).get<std::string>());
    std::printf("%s\n", out.dump().c_str());
  }
}

double megabytes_a_second(const Tokenizer& t, const std::vector<std::string>& texts) {
  const double start = cpu_seconds();
  size_t bytes = 0, ids = 0;
  for (const std::string& text : texts) {
    bytes += text.size();
    ids += t.encode(text).size();
  }
  return ids == 0 ? 0 : 1e-6 * static_cast<double>(bytes) / (cpu_seconds() - start);
}

void speed(const std::string& file, const std::string& text_file, int rounds) {
  const auto tokenizer = open_tokenizer(file);
  std::ifstream in(text_file);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::vector<std::string> lines;
  for (size_t at = 0, end; at < text.size(); at = end) {
    end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
  }
  for (int i = 0; i < rounds; ++i) {
    const double by_line = megabytes_a_second(*tokenizer, lines);
    std::printf("lines %.1f MB/s, whole %.1f MB/s\n", by_line, megabytes_a_second(*tokenizer, {text}));
  }
}

int work(const std::vector<std::string>& args) {
  if (args.size() >= 3 && args[0] == "speed") {
    speed(args[1], args[2], args.size() > 3 ? std::stoi(args[3]) : 5);
  } else if (args.size() == 2 && args[0] == "ids") {
    const auto tokenizer = open_tokenizer(args[1]);
    each_text([&](const std::string& text) { return nlohmann::json(tokenizer->encode(text, {.add_special = false})); });
  } else if (args.size() >= 2 && args[0] == "pieces") {
    const auto pre = make_pre_tokenizer(args[1], {args.begin() + 2, args.end()});
    each_text([&](const std::string& text) {
      nlohmann::json pieces = nlohmann::json::array();
      pre->split(text, [&](std::string_view piece) { pieces.push_back(std::string(piece)); });
      return pieces;
    });
  } else {
    std::fprintf(stderr, "usage: tokenizer_bench speed FILE TEXT [rounds] | ids FILE | pieces NAME [PATTERN ...]\n");
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return work({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
