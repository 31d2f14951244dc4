// Drafts by a model: a smaller one of the same vocabulary, the first layers of the target, or the target itself over a
// compressed cache.
//
// Y. Leviathan, M. Kalman, Y. Matias, "Fast Inference from Transformers via Speculative Decoding" (arXiv 2211.17192);
// C. Chen et al., "Accelerating Large Language Model Decoding with Speculative Sampling" (arXiv 2302.01318). For i = 1
// ... k: x_i ~ q(. | prefix, x_1 ... x_(i-1)), q being the drafter's logits under the request's own sampler stages,
// which is what makes acceptance highest. Greedy requests get the most likely tokens as point masses. With widths [k_1,
// ..., k_m] (SpecInfer, arXiv 2305.09781, definition 3.1) every node of level i gets k_i trials: draws with
// replacement, or without (EAGLE), or under greedy the k_i most likely.
//   model(layers=N): the final norm and head over layer N, as LayerSkip (arXiv 2404.16710) exits early, without its
//   training. self(kv=...): as TriForce (arXiv 2404.11912) and MagicDec (arXiv 2408.11049) draft; verified over the
//   full cache.
//
// The drafter's cache holds committed tokens and nothing else once propose() returns: what was accepted is fed anew
// together with the next pending token, which costs the first pass some rows and makes the rest exact under any cache.
// A chain over a cache without events commits its rows as it goes and takes them back at the end; else, and in trees,
// every level feeds all nodes so far and commits none, so no draft crosses an event of the drafter's own cache. Cost:
// depth passes of the drafter, all sequences in one batch.
#include <algorithm>

#include "base/error.h"
#include "decode/draft/drafter.h"
#include "decode/draft/vocabulary.h"
#include "io/model_config.h"

namespace frugal {
namespace {

constexpr int64_t kNoEvents = int64_t{1} << 30;  // rows until the next: there is none

struct ModelState : DraftState {
  explicit ModelState(std::unique_ptr<KvSeq> seq) : rows(std::move(seq)) {}
  std::unique_ptr<KvSeq> rows;
  int64_t committed = 0;  // its rows that are no draft's
  bool in_prompt = true;
};

// One sequence's draft while its tree grows. frontier: the nodes of the last level.
struct Growth {
  DraftSequence* seq;
  KvSeq* rows;
  bool commits;  // as it goes
  int kept = 0;  // nodes whose rows are committed
  std::vector<int> frontier = {0};
  std::vector<std::unique_ptr<Sampler>> samplers = {};  // by node
  std::vector<int> parents = {};                        // of the rows in the batch
  int logit = 0;
};

void draw_trials(Growth& g, int node, const std::shared_ptr<const Distribution>& q, int width, std::vector<int>& next);

class ModelDrafter : public Drafter {
 public:
  // own: the model when it is not the target's.
  ModelDrafter(std::unique_ptr<Model> own, const DraftTarget& target, const std::string& kv, const Args& args)
      : own_(std::move(own)),
        runner_(own_ != nullptr ? *own_ : target.runner.model(), options(target, kv)),
        k_(draft_length(args)),
        automatic_(draft_length_is_auto(args)),
        vocab_(static_cast<size_t>(std::min(runner_.vocab(), target.runner.vocab()))) {}

  int most_depth() const override { return k_; }
  bool chooses_depth() const override { return automatic_; }
  void prefill(DraftSequence& s) override { catch_up(s, 0); }
  void propose(std::span<DraftSequence* const> seqs) override;

 private:
  static RunnerOptions options(const DraftTarget& target, const std::string& kv) {
    RunnerOptions o = target.runner.options();
    o.team = target.runner.shared_team();
    o.kv = kv;
    o.max_rows = std::max(o.max_rows, 512);
    o.max_wanted = std::max(o.max_wanted, 128);
    return o;
  }
  static int width_at(const DraftSequence& s, int depth) {
    return s.widths.empty() ? 1 : s.widths[static_cast<size_t>(depth)];
  }
  int depth_of(const DraftSequence& s) const {
    return std::min(s.most_depth, s.widths.empty() ? k_ : static_cast<int>(s.widths.size()));
  }
  bool is_beyond_context(const DraftSequence& s) {
    const int64_t context = runner_.model().config().context;
    return context > 0 && static_cast<int64_t>(s.tokens.size()) + depth_of(s) > context;
  }
  bool catch_up(DraftSequence& s, int64_t leave);
  void grow(std::vector<Growth>& group);
  bool add_rows(Batch& batch, Growth& g, bool first);
  void expand(Growth& g, const float* logits);
  void try_tokens(Growth& g, int node, std::span<const float> logits, std::vector<int>& next);

  std::unique_ptr<Model> own_;
  Runner runner_;
  int k_;
  bool automatic_;
  size_t vocab_;           // ids that both know
  Candidates candidates_;  // kept for their memory
};

// Feeds committed tokens until at most `leave` besides the pending one are missing. False: the cache is full.
bool ModelDrafter::catch_up(DraftSequence& s, int64_t leave) {
  if (s.state == nullptr) s.state = std::make_unique<ModelState>(runner_.sequence());
  auto& state = static_cast<ModelState&>(*s.state);
  KvSeq& rows = *state.rows;
  if (rows.length() > state.committed) rows.truncate(state.committed);  // a draft that failed half-way
  if (state.in_prompt) leave = 0;
  const int64_t all = static_cast<int64_t>(s.tokens.size()) - 1;
  while (all - rows.length() > std::min(leave, rows.rows_until_event())) {
    const int64_t n = std::min<int64_t>({all - rows.length(), runner_.options().max_rows, rows.rows_until_event()});
    if (!rows.reserve(n)) return false;
    runner_.forward(chain(rows, s.tokens.subspan(static_cast<size_t>(rows.length()), static_cast<size_t>(n)), 0));
    rows.commit(n);
    state.committed = rows.length();
  }
  if (std::exchange(state.in_prompt, false)) rows.end_prompt();
  return true;
}

void ModelDrafter::propose(std::span<DraftSequence* const> seqs) {
  std::vector<Growth> group;
  int rows = 0, wanted = 0;
  for (DraftSequence* s : seqs) {
    if (is_beyond_context(*s) || !catch_up(*s, kMostAuto)) continue;
    const int most = kMostAuto + 1 + s->most_nodes;
    int width = 1;
    for (int w : s->widths) width = std::min(width * w, s->most_nodes);
    if (rows + most > runner_.options().max_rows || wanted + width > runner_.options().max_wanted) {
      grow(group);
      group.clear();
      rows = wanted = 0;
    }
    rows += most;
    wanted += width;
    KvSeq* cache = static_cast<ModelState&>(*s->state).rows.get();
    const bool is_chain = std::all_of(s->widths.begin(), s->widths.end(), [](int w) { return w == 1; });
    group.push_back({s, cache, is_chain && cache->rows_until_event() > kNoEvents});
  }
  grow(group);
}

// Level by level, all sequences of the group in one batch.
void ModelDrafter::grow(std::vector<Growth>& group) {
  for (int level = 0; !group.empty(); ++level) {
    Batch batch;
    std::erase_if(group, [&](Growth& g) {
      if (level < depth_of(*g.seq) && !g.frontier.empty() && add_rows(batch, g, level == 0)) return false;
      if (g.kept > 0) g.rows->truncate(static_cast<int64_t>(g.seq->tokens.size()) - 1);
      return true;
    });
    if (group.empty()) return;
    const float* logits = runner_.forward(batch);
    for (Growth& g : group) {
      const int64_t missing = level == 0 ? static_cast<int64_t>(g.seq->tokens.size()) - 1 - g.rows->length() : 0;
      g.rows->commit(missing + (g.commits ? g.seq->tree.size() - g.kept : 0));
      static_cast<ModelState&>(*g.seq->state).committed = static_cast<int64_t>(g.seq->tokens.size()) - 1;
      if (g.commits) g.kept = g.seq->tree.size();
      expand(g, logits + static_cast<int64_t>(g.logit) * runner_.vocab());
    }
  }
}

// The committed tokens that are missing (first), then the nodes whose rows are not in the cache. False: the cache is
// full.
bool ModelDrafter::add_rows(Batch& batch, Growth& g, bool first) {
  const DraftTree& tree = g.seq->tree;
  const int64_t length = g.rows->length(), pending = static_cast<int64_t>(g.seq->tokens.size()) - 1;
  const int missing = first ? static_cast<int>(pending - length) : 0;
  if (!g.rows->reserve(missing + tree.size() - g.kept)) return false;
  const int at = batch.rows();
  g.parents.clear();
  for (int i = 0; i < missing; ++i) {
    batch.ids.push_back(g.seq->tokens[static_cast<size_t>(length + i)]);
    batch.positions.push_back(static_cast<int32_t>(length) + i);
    g.parents.push_back(i - 1);
  }
  for (int i = g.kept; i < tree.size(); ++i) {
    batch.ids.push_back(tree.node(i).token);
    batch.positions.push_back(static_cast<int32_t>(pending) + tree.node(i).depth);
    g.parents.push_back(missing + tree.node(i).parent);  // with kept rows the tree is a chain, and this is not read
  }
  g.logit = static_cast<int>(batch.logit_rows.size());
  for (int node : g.frontier) batch.logit_rows.push_back(at + missing + node - g.kept);
  batch.seqs.push_back({g.rows, at, batch.rows() - at, tree.is_chain() ? std::span<const int>() : g.parents});
  return true;
}

void ModelDrafter::expand(Growth& g, const float* logits) {
  std::vector<int> next;
  for (size_t i = 0; i < g.frontier.size(); ++i)
    try_tokens(g, g.frontier[i], {logits + i * static_cast<size_t>(runner_.vocab()), vocab_}, next);
  g.frontier = std::move(next);
}

void ModelDrafter::try_tokens(Growth& g, int node, std::span<const float> logits, std::vector<int>& next) {
  DraftTree& tree = g.seq->tree;
  const int width = width_at(*g.seq, tree.node(node).depth);
  if (g.seq->sampler->greedy()) {
    candidates_.load(logits);
    candidates_.keep_top(static_cast<size_t>(width));
    for (const Candidate& c : candidates_.list())
      if (tree.size() <= g.seq->most_nodes) next.push_back(tree.add(node, {c.id}));
    return;
  }
  g.samplers.resize(static_cast<size_t>(tree.size()));
  std::unique_ptr<Sampler>& sampler = g.samplers[static_cast<size_t>(node)];
  sampler = (node == 0 ? *g.seq->sampler : *g.samplers[static_cast<size_t>(tree.node(node).parent)]).clone();
  if (node > 0) sampler->advance(tree.node(node).token);
  draw_trials(g, node, std::make_shared<const Distribution>(sampler->distribution(logits)), width, next);
}

// One token of q that is none of the trials; -1: there is no other.
int32_t pick_another(const Distribution& q, std::span<const Trial> trials, double uniform) {
  auto taken = [&](int32_t id) {
    return std::any_of(trials.begin(), trials.end(), [&](const Trial& t) { return t.token == id; });
  };
  double left = q.total;
  for (const Trial& t : trials) left -= static_cast<double>(q.p(t.token));
  const double wanted = uniform * left;
  double sum = 0;
  int32_t last = -1;
  for (const TokenProbability& t : q.tokens) {
    if (t.p == 0 || taken(t.id)) continue;
    sum += static_cast<double>(t.p);
    last = t.id;
    if (wanted < sum) break;
  }
  return last;
}

// Where there is no room for another node a draw is a trial all the same, and ends the step when it is accepted.
void draw_trials(Growth& g, int node, const std::shared_ptr<const Distribution>& q, int width, std::vector<int>& next) {
  DraftSequence& s = *g.seq;
  for (int i = 0; i < width; ++i) {
    const double uniform = s.random->uniform53();
    const int32_t token = s.replace ? q->pick(uniform) : pick_another(*q, s.tree.node(node).trials, uniform);
    if (token < 0) return;
    const Trial trial{token, q, s.replace};
    const bool is_new = s.tree.child(node, token) < 0;
    if (is_new && s.tree.size() > s.most_nodes) {
      s.tree.add_leaf_trial(node, trial);
      continue;
    }
    const int child = s.tree.add(node, trial);
    if (is_new) next.push_back(child);
  }
}

std::unique_ptr<Drafter> make_model(const Args& args, const DraftTarget& target) {
  const std::string& path = args.text("path");
  const int64_t layers = args.integer("layers");
  if (path.empty() == (layers == 0))
    fail(ErrorCode::kUsage, "model", "found {} of path and layers, expected one", path.empty() ? "neither" : "both");
  std::unique_ptr<Model> own = path.empty() ? target.runner.model().first_layers(layers) : Model::open(path);
  if (!path.empty()) check_same_vocabulary(own->file(), target);
  return std::make_unique<ModelDrafter>(std::move(own), target, to_string(args.spec("kv")), args);
}

std::unique_ptr<Drafter> make_self(const Args& args, const DraftTarget& target) {
  return std::make_unique<ModelDrafter>(nullptr, target, to_string(args.spec("kv")), args);
}

const Register<MakeDrafter> kModel(
    {.kind = "draft",
     .name = "model",
     .title = "Fast Inference from Transformers via Speculative Decoding",
     .authors = "Leviathan, Kalman, Matias",
     .year = 2023,
     .arxiv = "2211.17192",
     .help = "a smaller model of the same vocabulary, or the target's first layers",
     .params = {ParamInfo::text("path", "file or directory of the smaller model").preset(""),
                ParamInfo::integer("layers", "first layers of the target that draft; instead of path")
                    .preset("0")
                    .at_least(0),
                draft_length_param("5"), ParamInfo::spec("kv", "kv", "the drafter's own cache").preset("full")},
     .needs = {"model"}},
    make_model);

const Register<MakeDrafter> kSelf(
    {.kind = "draft",
     .name = "self",
     .title = "TriForce: Lossless Acceleration of Long Sequence Generation with Hierarchical Speculative Decoding",
     .authors = "Sun et al.",
     .year = 2024,
     .arxiv = "2404.11912",
     .help = "the target itself over a compressed cache, verified over the full one",
     .params = {ParamInfo::spec("kv", "kv", "the cache that drafts"), draft_length_param("4")}},
    make_self);

}  // namespace
}  // namespace frugal
