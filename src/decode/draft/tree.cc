// Token trees: one drafter expanded, or several drafters merged into one trie.
//
// X. Miao et al., "SpecInfer: Accelerating Large Language Model Serving with Tree-based Speculative Inference and
// Verification" (arXiv 2305.09781). Expansion (section 3): with widths <k_1, ..., k_m> every node of level i gets k_i
// trials, drawn with replacement (replace=true, the paper's i.i.d. draws) or without. Merge (definition 3.2): the union
// of the drafters' trees by their token sequences; a node that several drafters reach carries the trials of all, a
// token tried twice being two trials and one child. In which order a node's trials are tried is drawn at random as in
// algorithm 2, here before verification and keeping each drafter's own order, which draws without replacement need.
//
// Drafters without a model (ngram, rest) take no part in the expansion and bring the tree that they have. The room for
// nodes is shared evenly. Cost: the drafters' one after the other.
#include <algorithm>

#include "base/error.h"
#include "decode/draft/drafter.h"

namespace frugal {
namespace {

struct TreeState : DraftState {
  std::vector<DraftSequence> parts;  // one a drafter
};

// Trials of one node by drafter, put into one random order that keeps each drafter's own.
struct Source {
  int drafter, node;
  size_t next = 0;
};

class Tree : public Drafter {
 public:
  Tree(std::vector<std::unique_ptr<Drafter>> of, std::vector<int> widths, bool replace)
      : of_(std::move(of)), widths_(std::move(widths)), replace_(replace) {}

  int most_depth() const override {
    int depth = static_cast<int>(widths_.size());
    for (const auto& d : of_) depth = std::max(depth, d->most_depth());
    return depth;
  }

  void prefill(DraftSequence& s) override {
    for (size_t i = 0; i < of_.size(); ++i) of_[i]->prefill(part(s, i));
  }

  void propose(std::span<DraftSequence* const> seqs) override {
    for (size_t i = 0; i < of_.size(); ++i) {
      std::vector<DraftSequence*> parts;
      for (DraftSequence* s : seqs) parts.push_back(&part(*s, i));
      of_[i]->propose(parts);
    }
    for (DraftSequence* s : seqs) merge(*s);
  }

 private:
  DraftSequence& part(DraftSequence& s, size_t i) const {
    if (s.state == nullptr) s.state = std::make_unique<TreeState>();
    auto& parts = static_cast<TreeState&>(*s.state).parts;
    parts.resize(of_.size());
    DraftSequence& p = parts[i];
    p.tokens = s.tokens;
    p.sampler = s.sampler;
    p.random = s.random;
    p.most_depth = s.most_depth;
    p.most_nodes = s.most_nodes / static_cast<int>(of_.size());
    p.widths = widths_;
    p.replace = replace_;
    p.tree.reset(s.tokens.back());
    return p;
  }

  static void merge(DraftSequence& s) {
    auto& parts = static_cast<TreeState&>(*s.state).parts;
    if (parts.size() == 1) {
      s.tree = std::move(parts[0].tree);
      return;
    }
    std::vector<std::vector<Source>> of_node(1);  // which nodes of the parts a node of the union stands for
    for (size_t i = 0; i < parts.size(); ++i) of_node[0].push_back({static_cast<int>(i), 0});
    for (int node = 0; node < s.tree.size(); ++node) {
      std::vector<Source> sources = of_node[static_cast<size_t>(node)];
      while (Source* from = draw(sources, parts, *s.random)) {
        const DraftTree& tree = parts[static_cast<size_t>(from->drafter)].tree;
        const Trial& trial = tree.node(from->node).trials[from->next++];
        const int child = tree.child(from->node, trial.token);
        if (child < 0) {
          s.tree.add_leaf_trial(node, trial);
          continue;
        }
        const size_t to = static_cast<size_t>(s.tree.add(node, trial));
        of_node.resize(std::max(of_node.size(), to + 1));
        const bool there = std::any_of(of_node[to].begin(), of_node[to].end(),
                                       [&](const Source& x) { return x.drafter == from->drafter; });
        if (!there) of_node[to].push_back({from->drafter, child});
      }
    }
  }

  // The source of a trial drawn uniformly among those that are left; nullptr: none is.
  static Source* draw(std::vector<Source>& sources, const std::vector<DraftSequence>& parts, Stream& random) {
    auto left = [&](const Source& x) {
      return parts[static_cast<size_t>(x.drafter)].tree.node(x.node).trials.size() - x.next;
    };
    size_t all = 0;
    for (const Source& x : sources) all += left(x);
    if (all == 0) return nullptr;
    auto at = static_cast<size_t>(random.uniform53() * static_cast<double>(all));
    for (Source& x : sources) {
      if (at < left(x)) return &x;
      at -= left(x);
    }
    return nullptr;
  }

  std::vector<std::unique_ptr<Drafter>> of_;
  std::vector<int> widths_;
  bool replace_;
};

std::vector<Unit> units_of(const Args& args) {
  std::vector<Unit> units;
  for (const Value& v : args.list("of")) {
    if (v.kind != Value::Kind::kText && (v.kind != Value::Kind::kSpec || v.spec.size() != 1))
      fail(ErrorCode::kUsage, "tree", "found '{}' in of, expected drafters such as ngram(n=3)", to_string(v));
    units.push_back(v.kind == Value::Kind::kText ? parse_unit(v.text) : v.spec[0].unit);
  }
  if (units.empty() || units.size() > 8)
    fail(ErrorCode::kUsage, "tree", "found {} drafters in of, expected 1 to 8", units.size());
  return units;
}

std::vector<int> widths_of(const Args& args) {
  std::vector<int> widths;
  for (const Value& v : args.list("widths")) {
    const bool fits =
        v.kind == Value::Kind::kNumber && v.number >= 1 && v.number <= 64 && v.number == static_cast<int>(v.number);
    if (!fits) fail(ErrorCode::kUsage, "tree", "found {} in widths, expected whole numbers from 1 to 64", to_string(v));
    widths.push_back(static_cast<int>(v.number));
  }
  if (widths.empty() || widths.size() > 64)
    fail(ErrorCode::kUsage, "tree", "found {} widths, expected 1 to 64", widths.size());
  return widths;
}

std::unique_ptr<Drafter> make_tree(const Args& args, const DraftTarget& target) {
  std::vector<std::unique_ptr<Drafter>> of;
  for (const Unit& unit : units_of(args)) {
    if (unit.name == "tree") fail(ErrorCode::kUsage, "tree", "found a tree in of, expected other drafters");
    of.push_back(make_drafter(unit, target));
  }
  return std::make_unique<Tree>(std::move(of), widths_of(args), args.flag("replace"));
}

const Register<MakeDrafter> kTree(
    {.kind = "draft",
     .name = "tree",
     .title =
         "SpecInfer: Accelerating Large Language Model Serving with Tree-based Speculative Inference and Verification",
     .authors = "Miao et al.",
     .year = 2023,
     .arxiv = "2305.09781",
     .help = "a token tree: one drafter expanded, several merged",
     .params = {ParamInfo::list("of", "drafters"),
                ParamInfo::list("widths", "trials at every node, level by level").preset("[2,2,1,1]"),
                ParamInfo::flag("replace", "are a node's trials drawn with replacement?").preset("true")}},
    make_tree);

}  // namespace
}  // namespace frugal
