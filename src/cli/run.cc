// frugal run: generate or chat, streaming.
#include <csignal>
#include <iostream>
#include <sstream>

#include "base/error.h"
#include "cli/verb.h"
#include "engine/chat.h"
#include "engine/engine.h"
#include "kv/spec.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

struct RunFlags {
  EngineFlags engine;
  std::string prompt, file, prompts, system, sample, draft, save_cache, load_cache;
  double temperature = -1, top_p = -1, min_p = -1;
  int top_k = -1, max_new = 256, logprobs = 0, context = 0;
  uint64_t seed = 0;
  std::vector<std::string> stop;
  bool raw = false, chat = false, stats = false, json = false, special = false;
};

volatile std::sig_atomic_t interrupted = 0;

// --sample as it is, else from the habits of other tools; greedy when nothing is asked for.
std::string sample_spec(const RunFlags& f) {
  if (!f.sample.empty()) return f.sample;
  std::string spec;
  auto add = [&](const char* name, double value) {
    spec += fmt::format("{}{}({})", spec.empty() ? "" : " | ", name, value);
  };
  if (f.temperature == 0) return "greedy";
  if (f.temperature > 0) add("temp", f.temperature);
  if (f.top_k > 0) add("top_k", f.top_k);
  if (f.top_p >= 0) add("top_p", f.top_p);
  if (f.min_p >= 0) add("min_p", f.min_p);
  return spec.empty() ? "greedy" : spec;
}

class Session {
 public:
  explicit Session(const RunFlags& f)
      : f_(f),
        model_(Model::open(model_path(f.engine.model))),
        tokenizer_(make_tokenizer(read_tokenizer(model_->file()))) {
    if (tokenizer_->size() > model_->config().vocab)
      fail(ErrorCode::kBadInput, "run", "the tokenizer has {} tokens, the model's vocabulary {}", tokenizer_->size(),
           model_->config().vocab);
    if (f.context > 0) model_->set_context(f.context);
    RunnerOptions o = runner_options(f.engine);
    if (f.draft.empty()) o.max_wanted = 16;
    engine_ = std::make_unique<Engine>(*model_, tokenizer_.get(), o, 16, f.draft);
    if (!f.raw && (has_chat(*tokenizer_) || f.chat)) chat_.emplace(*tokenizer_);
    if (!f.system.empty()) messages_.push_back({{"role", "system"}, {"content", f.system}});
    if (!f.load_cache.empty()) load();
  }

  bool is_chat() const { return chat_.has_value(); }
  void forget() {
    messages_ = Json::array();
    if (!f_.system.empty()) messages_.push_back({{"role", "system"}, {"content", f_.system}});
    cache_.reset();
    cached_.clear();
  }

  // One turn: the user's text in, the answer out (and streamed unless --json).
  Answer turn(const std::string& text) {
    Request r;
    if (chat_) {
      messages_.push_back({{"role", "user"}, {"content", text}});
      r.prompt = chat_->ids(messages_);
    } else {
      r.prompt = tokenizer_->encode(text);
      r.prompt.insert(r.prompt.begin(), loaded_.begin(), loaded_.end());
    }
    reuse(r);
    fill(r.generation);
    if (!f_.json) r.on_token = [](const Token& t) { std::cout << t.text << std::flush; };
    const auto prompt = r.prompt;
    r.keep_cache = true;
    Answer a = wait(engine_->submit(std::move(r)));
    if (!a.error.empty()) fail(ErrorCode::kBadInput, "run", "{}", a.error);
    if (chat_) messages_.push_back({{"role", "assistant"}, {"content", a.text}});
    cache_ = a.cache;
    cached_ = prompt;
    cached_.insert(cached_.end(), a.ids.begin(), a.ids.end());
    return a;
  }

  Json describe(const Answer& a) const {
    const RequestStats& s = a.stats;
    Json j = {{"text", a.text},
              {"ids", a.ids},
              {"finish", finish_name(a.finish)},
              {"prompt_tokens", s.prompt_tokens},
              {"new_tokens", s.new_tokens}};
    j["prompt_tok_s"] = s.prompt_s > 0 ? s.prompt_tokens / s.prompt_s : 0;
    j["decode_tok_s"] = s.decode_s > 0 ? (s.new_tokens - 1) / s.decode_s : 0;
    j["first_token_ms"] = s.first_token_s * 1e3;
    j["cache_bytes"] = s.cache_bytes;
    j["accepted_per_step"] = s.accepted_per_step();
    j["specs"] = {{"kv", canonical_kv_spec(f_.engine.kv)}, {"sample", sample_spec(f_)}, {"compute", f_.engine.compute}};
    if (!f_.draft.empty()) {
      j["specs"]["draft"] = canonical_draft_spec(f_.draft);
      j["draft"] = {{"steps", s.steps},
                    {"drafted", s.drafted},
                    {"tested", s.tested},
                    {"accepted", s.accepted},
                    {"draft_ms", s.draft_s * 1e3}};
    }
    if (f_.logprobs > 0) j["logprobs"] = logprobs(a);
    return j;
  }

  void save() const {
    if (f_.save_cache.empty() || cache_ == nullptr) return;
    cache_->save(f_.save_cache, {cached_.begin(), cached_.begin() + static_cast<std::ptrdiff_t>(cache_->length())});
  }

 private:
  void load() {
    cache_ = engine_->runner().sequence();
    loaded_ = cached_ = cache_->load(f_.load_cache);
  }

  // Rows that the new prompt shares with what is cached stay; the rest is computed again.
  void reuse(Request& r) {
    if (cache_ == nullptr) return;
    size_t same = 0;
    while (same < cached_.size() && same < r.prompt.size() && cached_[same] == r.prompt[same]) ++same;
    cache_->truncate(static_cast<int64_t>(std::min(same, r.prompt.size() - 1)));
    r.cache = cache_;
  }

  void fill(GenerationOptions& g) const {
    g.max_new = f_.max_new;
    g.sample = sample_spec(f_);
    g.seed = f_.seed;
    g.stop = f_.stop;
    g.stop_ids = stop_ids(*tokenizer_, model_->config().eos);
    g.logprobs = f_.logprobs;
    g.keep_special = f_.special;
    g.continues = !chat_;
  }

  Answer wait(int64_t id) {
    interrupted = 0;
    const auto before = std::signal(SIGINT, [](int) { interrupted = 1; });
    Answer a = engine_->wait(id, [&] { return interrupted != 0; });
    std::signal(SIGINT, before);
    return a;
  }

  Json logprobs(const Answer& a) const {
    Json list = Json::array();
    for (const Token& t : a.tokens) {
      Json top = Json::array();
      for (const TokenLogprob& p : t.top)
        top.push_back({{"id", p.id}, {"text", std::string(tokenizer_->bytes(p.id))}, {"logprob", p.logprob}});
      list.push_back({{"id", t.id}, {"logprob", t.logprob}, {"top", top}});
    }
    return list;
  }

  RunFlags f_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<Engine> engine_;
  std::optional<Chat> chat_;
  Json messages_ = Json::array();
  std::shared_ptr<KvSeq> cache_;
  std::vector<int32_t> cached_, loaded_;
};

void report(const Session& s, const Answer& a, const RunFlags& f) {
  if (f.json) {
    std::cout << s.describe(a).dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
    return;
  }
  std::cout << std::endl;
  if (!f.stats) return;
  const RequestStats& t = a.stats;
  std::cerr << fmt::format(
      "[{} prompt tokens in {:.0f} ms, {:.0f} tok/s; {} new, {:.0f} tok/s; first after {:.0f} ms; {:.2f} tokens a "
      "step; cache {:.1f} MB; {}]\n",
      t.prompt_tokens, t.prompt_s * 1e3, t.prompt_tokens / std::max(1e-9, t.prompt_s), t.new_tokens,
      t.decode_s > 0 ? (t.new_tokens - 1) / t.decode_s : 0.0, t.first_token_s * 1e3, t.accepted_per_step(),
      static_cast<double>(t.cache_bytes) * 1e-6, finish_name(a.finish));
}

// {"prompt": text}, {"turns": [texts]} or {"messages": [...user contents...]} a line.
std::vector<std::string> turns_of(const std::string& line, size_t number) {
  const Json j = Json::parse(line, nullptr, false);
  std::vector<std::string> turns;
  if (j.is_object() && j.contains("prompt") && j["prompt"].is_string()) turns.push_back(j["prompt"]);
  if (j.is_object() && j.contains("turns") && j["turns"].is_array())
    for (const Json& t : j["turns"])
      if (t.is_string()) turns.push_back(t);
  if (turns.empty()) fail(ErrorCode::kBadInput, "run", "line {} of the prompts needs \"prompt\" or \"turns\"", number);
  return turns;
}

int run_prompts(Session& s, const RunFlags& f) {
  std::istringstream in(read_file(f.prompts));
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) continue;
    s.forget();
    for (const std::string& turn : turns_of(line, number)) report(s, s.turn(turn), f);
    if (interrupted) break;
  }
  return 0;
}

int run_chat(Session& s, const RunFlags& f) {
  std::cerr << "Type a message; /clear forgets, an empty line or Ctrl-D ends.\n";
  for (std::string line; std::cerr << "> ", std::getline(std::cin, line) && !line.empty();) {
    if (line == "/clear") {
      s.forget();
      continue;
    }
    report(s, s.turn(line), f);
  }
  s.save();
  return 0;
}

int run(const RunFlags& f) {
  make_sampler(sample_spec(f), f.seed);  // a wrong spec is an error before anything is loaded
  resolve_kv_spec(f.engine.kv, 1);
  if (!f.draft.empty()) canonical_draft_spec(f.draft);
  if (f.prompt.empty() && f.file.empty() && f.prompts.empty() && !f.chat)
    fail(ErrorCode::kUsage, "run", "nothing to say: give -p TEXT, -f FILE, --prompts FILE or --chat");
  Session s(f);
  if (!f.prompts.empty()) return run_prompts(s, f);
  if (!f.prompt.empty() || !f.file.empty()) {
    report(s, s.turn(f.file.empty() ? f.prompt : read_file(f.file)), f);
    s.save();
    if (!f.chat) return 0;
  }
  return run_chat(s, f);
}

std::function<int()> set_up(CLI::App& app) {
  auto f = std::make_shared<RunFlags>();
  add_engine_flags(app, f->engine);
  app.add_option("-p,--prompt", f->prompt, "the prompt");
  app.add_option("-f,--file", f->file, "a file with the prompt; - reads stdin");
  app.add_option("--prompts", f->prompts, "many prompts: a JSON object a line with \"prompt\" or \"turns\"");
  app.add_flag("--raw", f->raw, "take the prompt as it is, without the chat template");
  app.add_flag("--chat", f->chat, "talk in turns");
  app.add_option("--system", f->system, "system message");
  app.add_option("-n,--new", f->max_new, "tokens at most in an answer")->check(CLI::Range(1, 1 << 24));
  app.add_option("-c,--context", f->context, "tokens at most in prompt and answers; default the model's own")
      ->check(CLI::Range(2, 1 << 30));
  app.add_option("--sample", f->sample, "sampler, e.g. \"temp(0.7) | top_p(0.9)\"; default greedy");
  app.add_option(
      "--draft", f->draft,
      "drafter, e.g. \"ngram(n=3,k=8)\" (frugal methods --kind draft); the output's distribution stays the same");
  app.add_option("--temp", f->temperature, "short for temp(...) in --sample");
  app.add_option("--top-k", f->top_k, "short for top_k(...)");
  app.add_option("--top-p", f->top_p, "short for top_p(...)");
  app.add_option("--min-p", f->min_p, "short for min_p(...)");
  app.add_option("--seed", f->seed, "makes a sampled run repeatable");
  app.add_option("--stop", f->stop, "a text that ends the answer (repeatable)");
  app.add_option("--logprobs", f->logprobs, "with --json: the K most likely tokens at each place")
      ->check(CLI::Range(0, 1000));
  app.add_option("--save-cache", f->save_cache, "keep the cache in a file");
  app.add_option("--load-cache", f->load_cache, "go on from a kept cache");
  app.add_flag("--special", f->special, "show control tokens");
  app.add_flag("--stats", f->stats, "times and sizes on stderr");
  app.add_flag("--json", f->json, "one JSON object an answer");
  return [f] { return run(*f); };
}

const RegisterVerb kRun({"run", "generate or chat, streaming",
                         "  frugal run smollm2-135m -p \"Why is the sky blue?\"\n  frugal run smollm2-135m --chat --kv "
                         "q8 --temp 0.7 --top-p 0.9\n"
                         "  frugal run model.gguf --raw -p \"Once upon a time\" -n 64 --json",
                         set_up});

}  // namespace
}  // namespace frugal
