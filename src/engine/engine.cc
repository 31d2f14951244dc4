#include "engine/engine.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"

namespace frugal {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

// A request at work. fed counts the prompt tokens that are in the cache; pending is the token to feed next.
struct Engine::Active {
  int64_t id = 0;
  Request request;
  std::unique_ptr<Generation> generation;
  std::shared_ptr<KvSeq> seq;
  int64_t fed = 0;
  int prompt_tokens = 0;   // as submitted; request.prompt grows when rows must be computed again
  int32_t pending = -1;
  int rows = 0;            // rows in the batch being built
  int logit = -1;          // index of its logits in the batch, -1: none this step
  double submitted = 0, started = 0, first = 0;
  Answer answer;
  bool prompt_done() const { return fed == static_cast<int64_t>(request.prompt.size()); }
  bool unfinished() const { return answer.finish == Finish::kNone; }
  // Gives its rows back; they are computed again from the prompt and the answer so far, to the same bits.
  void start_over() {
    const size_t in_prompt = request.prompt.size() - static_cast<size_t>(prompt_tokens);
    request.prompt.insert(request.prompt.end(), answer.ids.begin() + static_cast<std::ptrdiff_t>(in_prompt), answer.ids.end());
    fed = 0;
    seq->truncate(0);
  }
};

Engine::Engine(Model& model, const Tokenizer* tokenizer, const RunnerOptions& options, int max_parallel)
    : runner_(model, options), tokenizer_(tokenizer), max_parallel_(max_parallel), thread_([this] { loop(); }) {}

Engine::~Engine() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  thread_.join();
}

int64_t Engine::submit(Request request) {
  const ModelConfig& config = runner_.model().config();
  const int64_t n = static_cast<int64_t>(request.prompt.size());
  if (n == 0) fail(ErrorCode::kUsage, "engine", "the prompt has no tokens; expected at least one");
  if (config.context > 0 && n >= config.context)
    fail(ErrorCode::kUsage, "engine", "the prompt has {} tokens, the model's context is {}", n, config.context);
  for (int32_t id : request.prompt)
    if (id < 0 || id >= runner_.vocab())
      fail(ErrorCode::kBadInput, "engine", "token id {} is outside the vocabulary of {}", id, runner_.vocab());
  auto a = std::make_unique<Active>();
  a->generation = std::make_unique<Generation>(tokenizer_, request.generation, request.prompt);
  a->request = std::move(request);
  a->prompt_tokens = static_cast<int>(n);
  a->submitted = now();
  std::lock_guard lock(mutex_);
  a->id = next_id_++;
  known_.push_back(a->id);
  waiting_.push_back(std::move(a));
  work_.notify_all();
  return next_id_ - 1;
}

void Engine::cancel(int64_t id) {
  std::lock_guard lock(mutex_);
  cancelled_.push_back(id);
}

Answer Engine::wait(int64_t id, const std::function<bool()>& give_up) {
  std::unique_lock lock(mutex_);
  auto mine = [&] { return std::find_if(answers_.begin(), answers_.end(), [&](const auto& a) { return a.first == id; }); };
  if (std::find(known_.begin(), known_.end(), id) == known_.end())
    fail(ErrorCode::kUsage, "engine", "request {} is not known, or was collected already", id);
  auto ready = [&] { return mine() != answers_.end(); };
  while (give_up != nullptr && !done_.wait_for(lock, std::chrono::milliseconds(50), ready))
    if (give_up()) cancelled_.push_back(id);
  done_.wait(lock, ready);
  Answer answer = std::move(mine()->second);
  answers_.erase(mine());
  std::erase(known_, id);
  return answer;
}

EngineStats Engine::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void Engine::loop() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [&] { return stop_ || !waiting_.empty() || !active_.empty(); });
      if (stop_) break;
    }
    admit();
    step();
  }
  for (auto& a : active_) publish(std::move(a));
  for (auto& a : waiting_) publish(std::move(a));
}

// Moves waiting requests in, oldest first, and takes cancelled ones out.
void Engine::admit() {
  std::vector<std::unique_ptr<Active>> gone;
  {
    std::lock_guard lock(mutex_);
    for (auto& w : waiting_)
      if (std::find(cancelled_.begin(), cancelled_.end(), w->id) != cancelled_.end()) gone.push_back(std::move(w));
    std::erase(waiting_, nullptr);
    while (!waiting_.empty() && static_cast<int>(active_.size()) < max_parallel_) {
      active_.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
      Active& a = *active_.back();
      a.started = now();
      a.seq = a.request.cache != nullptr ? a.request.cache : std::shared_ptr<KvSeq>(runner_.sequence());
      a.fed = std::min<int64_t>(a.seq->length(), static_cast<int64_t>(a.request.prompt.size()) - 1);
      if (a.seq->length() > a.fed) a.seq->truncate(a.fed);
    }
    for (int64_t id : cancelled_)
      for (auto& a : active_)
        if (a->id == id) finish(*a, Finish::kCancelled);
    cancelled_.clear();
    stats_.waiting = static_cast<int>(waiting_.size());
    stats_.active = static_cast<int>(active_.size());
  }
  for (auto& a : gone) {
    a->started = now();
    finish(*a, Finish::kCancelled);
    publish(std::move(a));
  }
}

// Puts a sequence's next rows into the batch: its pending token, or as much of its prompt as there is room for.
void Engine::add_rows(Active& a) {
  a.rows = 0;
  a.logit = -1;
  const RunnerOptions& most = runner_.options();
  const int room = most.max_rows - batch_.rows();
  if (room <= 0 || static_cast<int>(batch_.logit_rows.size()) >= most.max_wanted) return;
  const int64_t left = static_cast<int64_t>(a.request.prompt.size()) - a.fed;
  int64_t n = a.prompt_done() ? 1 : std::min<int64_t>(left, room);
  n = std::min(n, a.seq->rows_until_event());
  if (n <= 0) return;
  if (!a.seq->reserve(n)) return;  // no memory for more rows now: wait for another sequence to end
  const int first = batch_.rows();
  for (int64_t i = 0; i < n; ++i) {
    batch_.ids.push_back(a.prompt_done() ? a.pending : a.request.prompt[static_cast<size_t>(a.fed + i)]);
    batch_.positions.push_back(static_cast<int32_t>(a.seq->length() + i));
  }
  a.rows = static_cast<int>(n);
  batch_.seqs.push_back({a.seq.get(), first, a.rows, {}});
  if (a.prompt_done() || n == left) {
    a.logit = static_cast<int>(batch_.logit_rows.size());
    batch_.logit_rows.push_back(batch_.rows() - 1);
  }
}

bool Engine::step() {
  batch_.clear();
  for (const bool decoding : {true, false})  // tokens being decoded first, so that a long prompt does not stall them
    for (auto& a : active_)
      if (a->unfinished() && a->prompt_done() == decoding) add_rows(*a);
  if (batch_.rows() > 0) {
    try {
      hand_out(runner_.forward(batch_));
    } catch (const std::exception& e) {
      fail_batch(e.what());
    }
  } else {
    make_way();
  }
  std::vector<std::unique_ptr<Active>> done;
  for (auto& a : active_)
    if (!a->unfinished()) done.push_back(std::move(a));
  std::erase(active_, nullptr);
  {
    std::lock_guard lock(mutex_);
    stats_.steps += 1;
    stats_.rows += batch_.rows();
    stats_.active = static_cast<int>(active_.size());
    stats_.cache_bytes = runner_.pool().bytes_mapped();
  }
  for (auto& a : done) publish(std::move(a));  // last, so that who has an answer sees it counted
  return batch_.rows() > 0;
}

void Engine::hand_out(const float* logits) {
  for (auto& a : active_) {
    if (a->rows == 0) continue;
    a->seq->commit(a->rows);
    if (!a->prompt_done()) a->fed += a->rows;
    a->rows = 0;
    if (a->logit < 0) continue;
    try {
      take(*a, logits + a->logit * runner_.vocab());
    } catch (const std::exception& e) {  // its sampler or its client: nobody else's matter
      a->answer.error = e.what();
      finish(*a, Finish::kCancelled);
    }
  }
}

// The pool is full and nobody can go on: the newest that holds rows leaves them to the others and starts over later.
// One that holds all there is has come to its end.
void Engine::make_way() {
  Active *oldest = nullptr, *newest = nullptr;
  int holders = 0;
  for (auto& a : active_) {
    if (!a->unfinished()) continue;
    if (oldest == nullptr) oldest = a.get();
    if (a->seq->bytes() == 0) continue;
    newest = a.get();
    ++holders;
  }
  if (holders > 1) return newest->start_over();
  if (oldest != nullptr) finish(newest != nullptr ? *newest : *oldest, Finish::kContext);
}

// The requests whose rows were in the batch fail, the engine goes on.
void Engine::fail_batch(const char* error) {
  for (auto& a : active_) {
    if (a->rows == 0) continue;
    a->answer.error = error;
    finish(*a, Finish::kCancelled);
  }
}

void Engine::take(Active& a, const float* logits) {
  Token token = a.generation->accept({logits, static_cast<size_t>(runner_.vocab())});
  if (a.first == 0) a.first = now();
  a.answer.stats.steps += 1;
  a.pending = token.id;
  const int64_t context = runner_.model().config().context;
  if (token.finish == Finish::kNone && context > 0 && a.seq->length() >= context) token.finish = Finish::kContext;
  a.answer.ids.push_back(token.id);
  a.answer.text += token.text;
  if (a.request.on_token) a.request.on_token(token);
  if (token.finish != Finish::kNone) finish(a, token.finish);
  a.answer.tokens.push_back(std::move(token));
}

void Engine::finish(Active& a, Finish why) {
  a.answer.finish = why;
  const double end = now();
  RequestStats& s = a.answer.stats;
  s.prompt_tokens = a.prompt_tokens;
  s.new_tokens = static_cast<int>(a.answer.ids.size());
  s.queue_s = a.started - a.submitted;
  s.prompt_s = (a.first > 0 ? a.first : end) - a.started;
  s.first_token_s = (a.first > 0 ? a.first : end) - a.submitted;
  s.decode_s = a.first > 0 ? end - a.first : 0;
  if (a.seq != nullptr) s.cache_bytes = a.seq->bytes();
  if (a.request.keep_cache) a.answer.cache = a.seq;
  a.request.cache = nullptr;
  a.seq = nullptr;
}

void Engine::publish(std::unique_ptr<Active> a) {
  if (a->answer.finish == Finish::kNone) a->answer.finish = Finish::kCancelled;
  std::lock_guard lock(mutex_);
  answers_.emplace_back(a->id, std::move(a->answer));
  done_.notify_all();
}

}  // namespace frugal
