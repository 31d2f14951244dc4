// frugal score: negative log-likelihood, perplexity and distance to a plain run, under any cache.
#include <cmath>
#include <iostream>
#include <sstream>

#include "base/error.h"
#include "base/progress.h"
#include "cli/verb.h"
#include "kv/spec.h"
#include "measure/perplexity.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

struct ScoreFlags {
  EngineFlags engine;
  std::string file, against;
  bool jsonl = false, per_token = false, json = false;
  int64_t prefix = 0;
};

struct Piece {
  std::vector<int32_t> ids;
  size_t bytes = 0;  // of its text; 0 when ids were given
};

std::vector<int32_t> ids_of(const Json& list, int64_t vocab, size_t line) {
  std::vector<int32_t> ids;
  for (const Json& v : list) {
    if (!v.is_number_integer() || v.get<int64_t>() < 0 || v.get<int64_t>() >= vocab)
      fail(ErrorCode::kBadInput, "score", "line {}: ids holds {}, expected whole numbers below {}", line, v.dump(),
           vocab);
    ids.push_back(v.get<int32_t>());
  }
  return ids;
}

std::vector<Piece> read_pieces(const ScoreFlags& f, const Model& model) {
  std::unique_ptr<Tokenizer> tokenizer;
  auto encode = [&](const std::string& text) {
    if (tokenizer == nullptr) tokenizer = make_tokenizer(read_tokenizer(model.file()));
    return Piece{tokenizer->encode(text), text.size()};
  };
  const std::string all = read_file(f.file);
  if (!f.jsonl) return {encode(all)};
  std::vector<Piece> pieces;
  std::istringstream in(all);
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) continue;
    const Json j = Json::parse(line, nullptr, false);
    if (j.is_object() && j.contains("ids") && j["ids"].is_array())
      pieces.push_back({ids_of(j["ids"], model.config().vocab, number), 0});
    else if (j.is_object() && j.contains("text") && j["text"].is_string())
      pieces.push_back(encode(j["text"].get<std::string>()));
    else
      fail(ErrorCode::kBadInput, "score", "{}: line {} is no JSON object with text or ids", f.file, number);
  }
  return pieces;
}

Json describe(const Piece& p, const ScoreResult& r, const ScoreFlags& f) {
  Json j = {{"tokens", r.tokens},
            {"scored_tokens", r.scored_tokens},
            {"nll", r.nll()},
            {"nll_sum", r.nll_sum},
            {"ppl", std::exp(r.nll())}};
  j["bits_per_byte"] = p.bytes > 0 ? Json(r.nll_sum / std::log(2.0) / static_cast<double>(p.bytes)) : Json();
  j["cache_bytes"] = r.cache_bytes;
  j["cache_bytes_peak"] = r.cache_bytes_peak;
  if (!f.against.empty()) {
    j["kl_mean"] = mean(r.kl);
    j["kl_p99"] = quantile(r.kl, 0.99);
    j["top1_agreement"] = r.top1_agreement();
  }
  if (f.per_token) {
    j["ids"] = p.ids;
    j["nlls"] = r.nlls;
  }
  return j;
}

int run(const ScoreFlags& f) {
  auto model = Model::open(model_path(f.engine.model));
  const RunnerOptions options = runner_options(f.engine);
  Runner runner(*model, options);
  std::unique_ptr<Runner> reference;
  if (!f.against.empty()) {
    RunnerOptions plain = options;
    plain.kv = f.against == "f32" ? "f32" : "full";
    if (f.against == "f32") plain.compute = Compute::kF32;
    reference = std::make_unique<Runner>(*model, plain);
  }
  const std::vector<Piece> pieces = read_pieces(f, *model);
  Progress progress(stderr_progress(), "score", static_cast<int64_t>(pieces.size()));
  ScoreResult total;
  Piece whole;
  for (const Piece& p : pieces) {
    if (p.ids.size() < 2 || f.prefix >= static_cast<int64_t>(p.ids.size()))
      fail(ErrorCode::kBadInput, "score", "a text of {} tokens with --prefix {} leaves nothing to score", p.ids.size(),
           f.prefix);
    const ScoreResult r = score_text(runner, reference.get(), p.ids, f.prefix);
    if (f.jsonl && f.json) std::cout << describe(p, r, f).dump() << std::endl;
    total.add(r);
    whole.bytes += p.bytes;
    if (pieces.size() == 1) whole.ids = p.ids, total.nlls = r.nlls;
    progress.add(1);
  }
  Json j = describe(whole, total, f);
  j["specs"] = {{"kv", canonical_kv_spec(options.kv)}, {"compute", f.engine.compute}};
  if (f.json && !f.jsonl) std::cout << j.dump() << "\n";
  if (f.json) return 0;
  for (const auto& [key, value] : j.items())
    if (!value.is_array() && !value.is_null())
      std::cout << fmt::format("{:<18} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto f = std::make_shared<ScoreFlags>();
  add_engine_flags(app, f->engine);
  app.add_option("FILE", f->file, "text to score; - reads stdin")->required();
  app.add_flag("--jsonl", f->jsonl, "one text a line: {\"text\": ...}, or {\"ids\": [...]} taken as they are");
  app.add_option("--prefix", f->prefix, "the first N tokens are the prompt and are not scored")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--per-token", f->per_token, "with --json: ids and nlls of every token");
  app.add_option("--against", f->against, "distance to: plain (the same without --kv), f32 (float32 throughout)")
      ->check(CLI::IsMember({"plain", "f32"}));
  app.add_flag("--json", f->json, "one JSON document (with --jsonl one a line)");
  return [f] { return run(*f); };
}

const RegisterVerb kScore(
    {"score", "likelihood and perplexity of a text under any cache, and its distance to a plain run",
     "  frugal score smollm2-135m book.txt\n  frugal score smollm2-135m book.txt --kv \"k:q8 | v:q8\" --against plain\n"
     "  frugal score smollm2-135m texts.jsonl --jsonl --json --per-token",
     set_up});

}  // namespace
}  // namespace frugal
