#include "engine/engine.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/log.h"

namespace frugal {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

// A request at work. tokens is the prompt and the answer; those that the cache does not hold are to be fed.
struct Engine::Active {
  int64_t id = 0;
  Request request;
  std::unique_ptr<Generation> generation;
  std::shared_ptr<KvSeq> seq;
  std::vector<int32_t> tokens;
  bool in_prompt = true;   // rows of the prompt are missing in the cache
  bool prefilled = false;  // has the drafter seen the prompt?
  int rows = 0;            // rows in the batch being built
  int logit = -1;          // index of its first logits in the batch, -1: none this step
  DraftSequence draft;     // draft.tree stands behind the last token in every step, alone when nothing was drafted
  Stream random{0, 0, Purpose::kDraft};
  std::vector<int> parents;
  Acceptance acceptance;
  double submitted = 0, started = 0, first = 0;
  Answer answer;
  int64_t left() const { return static_cast<int64_t>(tokens.size()) - seq->length(); }
  bool unfinished() const { return answer.finish == Finish::kNone; }
  bool decoding() const { return left() == 1 && !answer.ids.empty(); }
  // Gives its rows back; they are computed again from the prompt and the answer so far, to the same bits.
  void start_over() {
    seq->truncate(0);
    seq->begin_prompt();
    in_prompt = true;
  }
  size_t prompt_tokens() const { return tokens.size() - answer.ids.size(); }
};

Engine::Engine(Model& model, const Tokenizer* tokenizer, const RunnerOptions& options, int max_parallel,
               const std::string& draft)
    : runner_(model, options),
      tokenizer_(tokenizer),
      max_parallel_(max_parallel),
      drafter_(draft.empty() ? nullptr : make_drafter(draft, {runner_, tokenizer})),
      thread_([this] { loop(); }) {}

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
  a->tokens = std::move(request.prompt);
  a->request = std::move(request);
  a->random = stream(a->request.generation.seed, 0, Purpose::kDraft);
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
  auto mine = [&] {
    return std::find_if(answers_.begin(), answers_.end(), [&](const auto& a) { return a.first == id; });
  };
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
      if (a.left() < 1) a.seq->truncate(static_cast<int64_t>(a.tokens.size()) - 1);
      a.seq->begin_prompt();
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

// Trees for all that decode. Each sequence gets its share of the rows that a step may hold.
void Engine::draft() {
  draft_s_ = 0;
  std::vector<DraftSequence*> seqs;
  std::vector<Active*> decoding;
  for (auto& a : active_) {
    if (!a->unfinished()) continue;
    a->draft.tree.reset(a->tokens.back());
    if (drafter_ != nullptr && a->decoding()) decoding.push_back(a.get());
  }
  const int n = static_cast<int>(decoding.size());
  const RunnerOptions& most = runner_.options();
  const int room = n > 0 ? (std::min(most.max_rows, most.max_wanted) - static_cast<int>(active_.size())) / n : 0;
  for (Active* a : decoding) {
    a->draft.tokens = a->tokens;
    a->draft.sampler = &a->generation->sampler();
    a->draft.random = &a->random;
    a->draft.most_nodes = room;
    a->draft.most_depth = draft_depth(*a, n);
    if (room <= 0 || a->draft.most_depth <= 0) continue;
    if (!std::exchange(a->prefilled, true)) drafter_->prefill(a->draft);
    seqs.push_back(&a->draft);
  }
  if (seqs.empty()) return;
  const double start = now();
  drafter_->propose(seqs);
  draft_s_ = now() - start;
  int depth = 0;
  for (DraftSequence* s : seqs) {
    s->tree.cut(s->most_nodes + 1, s->most_depth);
    depth = std::max(depth, s->tree.depth());
  }
  cost_.drafted(depth, draft_s_);
}

// No draft crosses an event of the cache, the context or the end of the answer: what it would bring could not stay.
int Engine::draft_depth(Active& a, int sequences) {
  int64_t depth = std::min<int64_t>({drafter_->most_depth(), a.seq->rows_until_event() - 1, a.generation->left() - 1});
  if (const int64_t context = runner_.model().config().context; context > 0)
    depth = std::min(depth, context - 1 - a.seq->length());
  if (drafter_->chooses_depth() && depth > 0)
    depth = cost_.best_depth(a.acceptance, static_cast<int>(depth), sequences);
  return static_cast<int>(depth);
}

// Puts a sequence's next rows into the batch: its pending token with its draft, or as much of its prompt as there is
// room for.
void Engine::add_rows(Active& a) {
  a.rows = 0;
  a.logit = -1;
  const RunnerOptions& most = runner_.options();
  const int room = most.max_rows - batch_.rows();
  if (room <= 0 || static_cast<int>(batch_.logit_rows.size()) >= most.max_wanted) return;
  const int64_t left = a.left();
  int64_t n = std::min<int64_t>({left, room, a.seq->rows_until_event()});
  if (a.in_prompt) n = std::min(n, static_cast<int64_t>(a.prompt_tokens()) - a.seq->length());
  if (n <= 0) return;
  DraftTree& tree = a.draft.tree;
  if (!a.seq->reserve(n + tree.size() - 1)) {
    tree.cut(1, 0);
    if (!a.seq->reserve(n)) return;  // no memory for more rows now: wait for another sequence to end
  }
  const int first = batch_.rows();
  const int64_t length = a.seq->length();
  for (int64_t i = 0; i < n; ++i) {
    batch_.ids.push_back(a.tokens[static_cast<size_t>(length + i)]);
    batch_.positions.push_back(static_cast<int32_t>(length + i));
  }
  for (int i = 1; i < tree.size(); ++i) {
    batch_.ids.push_back(tree.node(i).token);
    batch_.positions.push_back(static_cast<int32_t>(length) + tree.node(i).depth);
  }
  a.rows = batch_.rows() - first;
  a.parents = tree.is_chain() ? std::vector<int>() : tree.parents();
  batch_.seqs.push_back({a.seq.get(), first, a.rows, a.parents});
  if (n < left) return;
  a.logit = static_cast<int>(batch_.logit_rows.size());
  for (int i = batch_.rows() - tree.size(); i < batch_.rows(); ++i) batch_.logit_rows.push_back(i);
}

// What the cost model says of the steps that decode: to be held against what comes (decode/draft/cost.h).
void Engine::predict() {
  if (cost_.pass_s(batch_.rows()) == 0) return;
  for (auto& a : active_) {
    if (a->rows == 0 || !a->decoding()) continue;
    const int depth = a->draft.tree.depth();
    a->answer.stats.predicted_tokens += expected_tokens(a->acceptance.alpha(), depth);
    a->answer.stats.predicted_s += cost_.step_s(depth, batch_.rows());
  }
}

bool Engine::step() {
  batch_.clear();
  try {
    draft();
  } catch (const std::exception& e) {  // a draft is a favour: the step goes on without
    log(LogLevel::kWarning, "no draft: {}", e.what());
    for (auto& a : active_)
      if (a->unfinished()) a->draft.tree.cut(1, 0);
  }
  for (const bool decoding : {true, false})  // tokens being decoded first, so that a long prompt does not stall them
    for (auto& a : active_)
      if (a->unfinished() && a->decoding() == decoding) add_rows(*a);
  if (batch_.rows() > 0) {
    predict();
    try {
      const double start = now();
      const float* logits = runner_.forward(batch_);
      const auto is_prompt = [](const auto& a) { return a->rows > 0 && !a->decoding(); };
      const bool decodes = std::none_of(active_.begin(), active_.end(), is_prompt);
      hand_out(logits);
      if (decodes) cost_.verified(batch_.rows(), now() - start);  // the cache's events are part of it
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
    if (a->logit < 0) {  // part of a prompt
      path_.clear();
      keep_accepted(*a);
      continue;
    }
    Finish why = Finish::kNone;
    try {
      why = take(*a, logits + a->logit * runner_.vocab());
    } catch (const std::exception& e) {  // its sampler or its client: nobody else's matter
      a->answer.error = e.what();
      why = Finish::kCancelled;
    }
    keep_accepted(*a);
    if (why != Finish::kNone) finish(*a, why);
  }
}

// The rows of the accepted path stay in the cache, in place; the others are as if they had never been.
void Engine::keep_accepted(Active& a) {
  const int64_t chain_rows = a.logit < 0 ? a.rows : a.rows - a.draft.tree.size() + static_cast<int64_t>(path_.size());
  a.rows = 0;
  if (a.parents.empty())
    a.seq->commit(chain_rows);
  else
    a.seq->keep_path(path_);
  if (!a.in_prompt || a.seq->length() < static_cast<int64_t>(a.prompt_tokens())) return;
  a.in_prompt = false;
  a.seq->end_prompt();
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

// Follows the tree for as long as it holds what comes next; at least one token comes of it.
Finish Engine::take(Active& a, const float* logits) {
  const DraftTree& tree = a.draft.tree;
  const size_t vocab = static_cast<size_t>(runner_.vocab());
  RequestStats& s = a.answer.stats;
  s.steps += 1;
  s.drafted += tree.size() - 1;
  if (tree.size() > 1) s.draft_s += draft_s_;
  path_.clear();
  Finish why = Finish::kNone;
  for (int node = 0; node >= 0 && why == Finish::kNone;) {
    path_.push_back(node);
    const auto& trials = tree.node(node).trials;
    Token token = a.generation->accept({logits + static_cast<size_t>(node) * vocab, vocab}, trials);
    node = tree.child(node, token.id);
    if (!trials.empty()) {
      s.tested += 1;
      s.accepted += node >= 0;
      a.acceptance.observe(node >= 0);
    }
    why = deliver(a, std::move(token));
  }
  return why;
}

// One token to its client; the reason to end with it, if there is one.
Finish Engine::deliver(Active& a, Token token) {
  if (a.first == 0) a.first = now();
  const int64_t context = runner_.model().config().context, prompt_rows = a.rows - a.draft.tree.size();
  const int64_t length = a.seq->length() + prompt_rows + static_cast<int64_t>(path_.size());
  if (token.finish == Finish::kNone && context > 0 && length >= context) token.finish = Finish::kContext;
  a.tokens.push_back(token.id);
  a.answer.ids.push_back(token.id);
  a.answer.text += token.text;
  a.answer.tokens.push_back(std::move(token));
  if (a.request.on_token) a.request.on_token(a.answer.tokens.back());
  return a.answer.tokens.back().finish;
}

void Engine::finish(Active& a, Finish why) {
  a.answer.finish = why;
  const double end = now();
  RequestStats& s = a.answer.stats;
  s.prompt_tokens = static_cast<int>(a.prompt_tokens());
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
