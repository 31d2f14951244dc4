// frugal bench: speed, as medians of several runs with their spread and the share of the machine's measured peak.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "base/progress.h"
#include "base/spec.h"
#include "cli/peer.h"
#include "cli/verb.h"
#include "io/shapes.h"
#include "kv/spec.h"
#include "measure/drafting.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

struct BenchFlags {
  EngineFlags engine;
  TableFormat format;
  std::vector<int> prompt = {512}, decode = {128}, batch = {1};
  std::vector<int64_t> depth = {0};
  std::vector<std::string> kv, draft;
  int repeats = 5;
  std::string text, peer, shape, type = "q4_0";
  bool profile = false;
};

Json describe(const SpeedResult& r, const MachinePeak& peak, const std::string& kv) {
  const double steps_s = r.median / std::max(1, r.what.batch),
               best_ops = std::max({peak.int8_op_s, peak.bf16_op_s, peak.f32_op_s});
  Json j = {{"kind", r.what.decode ? "decode" : "prompt"},
            {"batch", r.what.batch},
            {"depth", r.what.depth},
            {"tokens", r.what.tokens}};
  j["tok_s"] = r.median;
  j["tok_s_min"] = r.lowest;
  j["tok_s_max"] = r.highest;
  j["bw_percent"] = r.what.decode ? Json(100 * r.bytes_per_step * steps_s / peak.read_bytes_s) : Json();
  j["flop_percent"] = 100 * r.flop_per_token * r.median / best_ops;
  j["peak_source"] = "measured here before the runs";
  j["cache_bytes"] = r.cache_bytes;
  j["rss_bytes"] = peak_rss();
  j["accepted_per_step"] = r.what.decode ? Json(1.0) : Json();
  j["specs"] = {{"kv", canonical_kv_spec(kv)}};
  return j;
}

// What a drafter gains is in tok_s and accepted_per_step; shares of the machine's peak are a plain step's.
Json describe(const DraftedSpeed& d, const std::string& kv, const std::string& draft) {
  Json j = describe(d.speed, {1, 1, 1, 1}, kv);
  j["bw_percent"] = j["flop_percent"] = j["peak_source"] = Json();
  j["accepted_per_step"] = d.accepted_per_step;
  j["specs"]["draft"] = canonical_draft_spec(draft);
  return j;
}

std::vector<SpeedCase> cases_of(const BenchFlags& f) {
  std::vector<SpeedCase> list;
  for (int64_t d : f.depth) {
    for (int n : f.prompt)
      if (n > 0) list.push_back({false, 1, d, n});
    for (int n : f.decode)
      for (int b : f.batch)
        if (n > 0) list.push_back({true, b, d, n});
  }
  return list;
}

// The decoding cases with a drafter. Prompts come from the text; without one, an answer begins by itself.
void add_drafted(Json& rows, const BenchFlags& f, Model& model, const RunnerOptions& o, const std::string& draft) {
  const auto tokenizer = make_tokenizer(read_tokenizer(model.file()));
  std::vector<int32_t> text = {std::max(0, tokenizer->spec().bos)};
  if (!f.text.empty()) text = tokenizer->encode(read_file(f.text));
  Engine engine(model, tokenizer.get(), o, 64, draft);
  for (const SpeedCase& c : cases_of(f))
    if (c.decode) rows.push_back(describe(measure_drafted(engine, c, text, f.repeats), o.kv, draft));
}

// All cases under one cache spec, in this process.
Json measure(const BenchFlags& f, const std::string& kv, const MachinePeak& peak) {
  auto model = Model::open(model_path(f.engine.model));
  RunnerOptions o = runner_options(f.engine);
  o.kv = kv;
  Runner runner(*model, o);
  Json rows = Json::array();
  const auto cases = cases_of(f);
  Progress progress(stderr_progress(), "bench " + kv, static_cast<int64_t>(cases.size()));
  for (const SpeedCase& c : cases) {
    rows.push_back(describe(measure_speed(runner, c, f.repeats), peak, kv));
    if (f.profile) {
      Json calls = Json::object();
      for (const auto& [name, seconds] : profile_step(runner, c, f.repeats)) calls[name] = seconds;
      rows.back()["profile_s"] = calls;
    }
    progress.add(1);
  }
  o.team = runner.shared_team();
  for (const std::string& draft : f.draft) add_drafted(rows, f, *model, o, draft);
  return rows;
}

// In a process of its own, so that rss_bytes is this spec's.
Json measure_apart(const BenchFlags& f, const std::string& kv, const MachinePeak& peak) {
  int ends[2];
  if (pipe(ends) != 0) fail(ErrorCode::kIo, "bench", "the system refused a pipe");
  const pid_t child = fork();
  if (child < 0) fail(ErrorCode::kIo, "bench", "the system refused a process");
  if (child == 0) {
    Json out;
    try {
      out = {{"rows", measure(f, kv, peak)}};
    } catch (const Error& e) {
      out = {{"error", e.what()}, {"usage", e.code() == ErrorCode::kUsage}};
    }
    const std::string text = out.dump();
    for (size_t at = 0; at < text.size();) {
      const ssize_t n = ::write(ends[1], text.data() + at, text.size() - at);
      if (n <= 0) break;
      at += static_cast<size_t>(n);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  const Json answer = Json::parse(text, nullptr, false);
  if (!answer.is_object()) fail(ErrorCode::kIo, "bench", "the measuring process ended without a result");
  if (answer.contains("error"))
    throw Error(answer["usage"].get<bool>() ? ErrorCode::kUsage : ErrorCode::kBadInput, answer["error"]);
  return answer["rows"];
}

Json table_rows(const Json& rows) {
  Json out = Json::array();
  const bool with_draft =
      std::any_of(rows.begin(), rows.end(), [](const Json& r) { return r["specs"].contains("draft"); });
  for (const Json& r : rows) {
    Json row = {{"kv", r["specs"]["kv"]}};
    if (with_draft) row["draft"] = r["specs"].value("draft", "none");
    row.update({{"kind", r["kind"]}, {"tokens", r["tokens"]}, {"batch", r["batch"]}, {"depth", r["depth"]}});
    row["tok/s"] = fmt::format("{:.1f}", r["tok_s"].get<double>());
    row["min-max"] = fmt::format("{:.1f}-{:.1f}", r["tok_s_min"].get<double>(), r["tok_s_max"].get<double>());
    row["bandwidth"] = r["bw_percent"].is_null() ? "" : fmt::format("{:.0f} %", r["bw_percent"].get<double>());
    row["compute"] = r["flop_percent"].is_null() ? "" : fmt::format("{:.0f} %", r["flop_percent"].get<double>());
    if (with_draft)
      row["tokens/step"] =
          r["accepted_per_step"].is_null() ? "" : fmt::format("{:.2f}", r["accepted_per_step"].get<double>());
    row["cache MB"] = fmt::format("{:.1f}", r["cache_bytes"].get<double>() * 1e-6);
    row["rss MB"] = fmt::format("{:.0f}", r["rss_bytes"].get<double>() * 1e-6);
    if (r.contains("peer"))
      row["peer tok/s"] = fmt::format("{:.1f}", r["peer"]["tok_s"].get<double>()),
      row["ratio"] = fmt::format("{:.2f}x", r["peer"]["ratio"].get<double>());
    out.push_back(row);
  }
  return out;
}

std::vector<std::string> specs_of(const BenchFlags& f) {
  std::vector<std::string> specs;
  for (const std::string& kv : f.kv)
    for (const Spec& s : expand_sweeps(parse_spec(kv))) specs.push_back(to_string(s));
  if (specs.empty()) specs.push_back(f.engine.kv);
  for (const std::string& s : specs) resolve_kv_spec(s, 1);
  return specs;
}

// Where a step's time goes, a line for each kind of call.
Json profile_rows(const Json& rows) {
  Json out = Json::array();
  for (const Json& r : rows) {
    double total = 0;
    for (const auto& [name, s] : r["profile_s"].items()) total += s.get<double>();
    for (const auto& [name, s] : r["profile_s"].items())
      out.push_back({{"kv", r["specs"]["kv"]},
                     {"kind", r["kind"]},
                     {"batch", r["batch"]},
                     {"depth", r["depth"]},
                     {"call", name},
                     {"ms", fmt::format("{:.3f}", s.get<double>() * 1e3)},
                     {"share", fmt::format("{:.1f} %", 100 * s.get<double>() / total)}});
  }
  return out;
}

// A file of random weights of that shape, written once and kept among the temporary files.
std::string shape_file(const std::string& shape, const std::string& type) {
  std::string path = (std::filesystem::temp_directory_path() / fmt::format("frugal-{}-{}.gguf", shape, type)).string();
  if (std::filesystem::exists(path)) return path;
  Progress progress(stderr_progress(), "random " + shape, random_model_bytes(shape, type));
  write_random_model(shape, type, path, 0, [&](int64_t bytes) { progress.add(bytes); });
  return path;
}

int run(BenchFlags f) {
  if (f.shape.empty() == f.engine.model.empty())
    fail(ErrorCode::kUsage, "bench", "give a MODEL, or --shape with --type");
  const auto specs = specs_of(f);
  std::erase(f.draft, "none");  // plain decoding is measured in any case
  for (const std::string& d : f.draft) canonical_draft_spec(d);
  if (f.text.empty() && !f.draft.empty() && *std::max_element(f.depth.begin(), f.depth.end()) > 0)
    fail(ErrorCode::kUsage, "bench",
         "--draft with --depth needs --text FILE: what a draft is worth depends on the text");
  if (!f.shape.empty()) f.engine.model = shape_file(f.shape, f.type);
  const std::string path = model_path(f.engine.model);
  MachinePeak peak;
  {
    ThreadTeam team(f.engine.threads);
    peak = measure_machine(team);
  }
  Json rows = Json::array();
  for (const std::string& kv : specs)
    for (Json& r : measure_apart(f, kv, peak)) rows.push_back(std::move(r));
  if (!f.peer.empty())
    add_peer(rows, f.peer, path, f.engine.threads > 0 ? f.engine.threads : usable_cores(), f.repeats);
  f.format.print(f.format.is_json() ? rows : table_rows(rows));
  if (f.profile && !f.format.is_json()) f.format.print(profile_rows(rows));
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto f = std::make_shared<BenchFlags>();
  add_engine_flags(app, f->engine, false);
  app.get_option("--model")->required(false);
  app.add_option("--shape", f->shape,
                 "random weights of a known shape instead of MODEL: smollm2-135m, llama-3.2-1b, llama-3.1-8b");
  app.add_option("--type", f->type, "type of the random weights: q4_0, q4_k_m, q8_0, f16, ...");
  app.add_option("--prompt", f->prompt, "prompt lengths; 0: none")->delimiter(',');
  app.add_option("--new", f->decode, "tokens decoded; 0: none")->delimiter(',');
  app.add_option("--depth", f->depth, "tokens already in the cache")->delimiter(',');
  app.add_option("--batch", f->batch, "sequences decoding together")->delimiter(',');
  app.add_option("--repeats", f->repeats, "runs of each case; the median counts")->check(CLI::Range(1, 1000));
  app.add_option("--kv", f->kv, "cache specs to compare, repeatable, or with {...} sweeps");
  app.add_option("--draft", f->draft, "drafters to compare with plain decoding, repeatable");
  app.add_option("--text", f->text, "with --draft: a file whose tokens are the prompts, as long as --depth");
  app.add_option("--peer", f->peer, "llama-bench=PATH: the same cases by a peer in turns with ours");
  app.add_flag("--profile", f->profile, "where one step's time goes, by kind of call");
  f->format.add(app);
  return [f] { return run(*f); };
}

const RegisterVerb kBench(
    {"bench", "prompt and decoding speed: medians, spread, share of the machine's peak",
     "  frugal bench smollm2-135m\n  frugal bench smollm2-135m --kv f16 --kv q8 --depth 0,4096\n"
     "  frugal bench smollm2-135m --batch 1,8 --json\n  frugal bench smollm2-135m --prompt 0 --depth 512 --text "
     "book.txt --draft \"ngram(n=3,k=8)\"\n  frugal bench --shape llama-3.2-1b --type q4_k_m",
     set_up});

}  // namespace
}  // namespace frugal
