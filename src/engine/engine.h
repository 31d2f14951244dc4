// The one loop that command line, server, Python and compare all use: continuous batching over one model.
//
// Every step packs one row for each sequence that is decoding, with a drafter its draft tree behind it, and fills the
// rest with prompt chunks, runs one forward, and hands each finished row to its request's Generation. The accepted path
// of a tree stays in the cache, and the rest leaves no trace. Results do not depend on who shares a batch (row
// contract).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "decode/draft/cost.h"
#include "decode/draft/drafter.h"
#include "decode/generation.h"
#include "model/runner.h"

namespace frugal {

struct Request {
  std::vector<int32_t> prompt;  // at least one id
  GenerationOptions generation;
  std::shared_ptr<KvSeq> cache;  // rows to continue from (they hold prompt's beginning), or null
  bool keep_cache = false;       // return the rows in Answer::cache; else they are free again when it is finished
  std::function<void(const Token&)>
      on_token;  // called from the model thread, may be empty; may throw: ends this answer
};

struct RequestStats {
  int prompt_tokens = 0, new_tokens = 0;
  double queue_s = 0, prompt_s = 0, decode_s = 0, first_token_s = 0;  // prompt_s: to the first token, queueing apart
  int steps = 0;                                                      // target passes that decoded for it
  int drafted = 0, tested = 0, accepted = 0;     // drafted tokens, nodes where one was put to the test, tests passed
  double draft_s = 0;                            // drafting, for all that shared the steps
  double predicted_tokens = 0, predicted_s = 0;  // of those steps, by the cost model, before each was made
  size_t cache_bytes = 0;
  double accepted_per_step() const { return steps > 0 ? static_cast<double>(new_tokens) / steps : 0; }
};

struct Answer {
  std::vector<int32_t> ids;
  std::string text;
  std::vector<Token> tokens;
  Finish finish = Finish::kNone;
  RequestStats stats;
  std::shared_ptr<KvSeq> cache;  // with keep_cache: prompt and answer, but for the last token; dies before the engine
  std::string error;             // not empty: what failed
};

struct EngineStats {
  int64_t steps = 0, rows = 0;
  int active = 0, waiting = 0;
  size_t cache_bytes = 0;
};

class Engine {
 public:
  // model and tokenizer must outlive the engine; tokenizer may be null (ids only). draft: spec of a drafter, or empty.
  // Throws Error when a spec is wrong or the drafter does not fit the model.
  Engine(Model& model, const Tokenizer* tokenizer, const RunnerOptions& options, int max_parallel = 16,
         const std::string& draft = "");
  ~Engine();  // cancels what is unfinished

  int64_t submit(Request request);  // throws Error when the prompt is empty or does not fit the context
  void cancel(int64_t id);
  // Until it is finished; each id once. give_up is asked now and then and cancels the request when it says so.
  Answer wait(int64_t id, const std::function<bool()>& give_up = nullptr);
  Answer generate(Request request) { return wait(submit(std::move(request))); }
  EngineStats stats() const;
  Runner& runner() { return runner_; }  // between requests only

 private:
  struct Active;
  void loop();
  void admit();
  bool step();
  void draft();
  int draft_depth(Active& a, int sequences);
  void add_rows(Active& a);
  void hand_out(const float* logits);
  void fail_batch(const char* error);
  void make_way();
  void predict();
  Finish take(Active& a, const float* logits);
  Finish deliver(Active& a, Token token);
  void keep_accepted(Active& a);
  void finish(Active& a, Finish why);
  void publish(std::unique_ptr<Active> a);

  Runner runner_;
  const Tokenizer* tokenizer_;
  int max_parallel_;
  std::unique_ptr<Drafter> drafter_;
  DraftCost cost_;
  double draft_s_ = 0;  // of this step
  Batch batch_;
  std::vector<std::unique_ptr<Active>> active_;
  std::vector<int> path_;  // accepted nodes of the tree at hand

  mutable std::mutex mutex_;
  std::condition_variable work_, done_;
  std::deque<std::unique_ptr<Active>> waiting_;
  std::vector<int64_t> cancelled_;
  std::vector<std::pair<int64_t, Answer>> answers_;
  std::vector<int64_t> known_;  // submitted and not yet collected
  int64_t next_id_ = 1;
  EngineStats stats_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace frugal
