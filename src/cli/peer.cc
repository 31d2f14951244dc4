#include "cli/peer.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "base/error.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

std::string quoted(const std::string& s) {
  std::string out = "'";
  for (char c : s) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

Json run_json(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) fail(ErrorCode::kIo, "peer", "cannot run {}", command);
  std::string text;
  char buffer[4096];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  const int status = pclose(pipe);
  Json j = Json::parse(text, nullptr, false);
  if (status != 0 || !j.is_array())
    fail(ErrorCode::kBadInput, "peer", "{} ended with status {} and no JSON list", command, status);
  return j;
}

double tokens_per_second(const std::string& program, const std::string& model, int threads, int repeats,
                         const Json& row, int flash) {
  const bool decode = row["kind"] == "decode";
  const int64_t tokens = row["tokens"].get<int64_t>();
  const std::string cache = row["specs"]["kv"] == "q8" && flash == 1 ? " -ctk q8_0 -ctv q8_0" : "";
  const Json answer = run_json(fmt::format("{} -m {} -t {} -r {} -p {} -n {} -d {} -fa {}{} -o json 2>/dev/null",
                                           quoted(program), quoted(model), threads, repeats, decode ? 0 : tokens,
                                           decode ? tokens : 0, row["depth"].get<int64_t>(), flash, cache));
  return answer.at(0).at("avg_ts").get<double>();
}

}  // namespace

void add_peer(Json& rows, const std::string& spec, const std::string& model, int threads, int repeats) {
  const std::string prefix = "llama-bench=";
  if (spec.rfind(prefix, 0) != 0) fail(ErrorCode::kUsage, "peer", "'{}'; expected llama-bench=PATH", spec);
  const std::string program = spec.substr(prefix.size());
  if (!std::filesystem::exists(program)) fail(ErrorCode::kNotFound, "peer", "there is no program {}", program);
  for (Json& row : rows) {
    if (row["batch"] != 1) continue;
    double best = 0;
    for (int flash : {0, 1}) best = std::max(best, tokens_per_second(program, model, threads, repeats, row, flash));
    row["peer"] = {{"name", "llama-bench"}, {"tok_s", best}, {"ratio", row["tok_s"].get<double>() / best}};
  }
}

}  // namespace frugal
