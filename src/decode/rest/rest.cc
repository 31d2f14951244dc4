// REST: drafts found in a datastore of text.
//
// Z. He et al., "REST: Retrieval-Based Speculative Decoding" (arXiv 2311.08252), sections 3.1 to 3.3: the longest
// suffix of the context, of at most n tokens, that occurs in the store; the continuations of its hits, each `length`
// tokens long, as a trie whose nodes count how many pass through them; the `nodes` nodes of highest count are the
// draft. A node never counts more than its parent, and of equal counts the shallower comes first, so the kept nodes are
// a tree.
//
// Trials are point masses: one draw at every node, as sampling without a draft would draw (verify.h, R1); the original
// code samples anew for every path, which is biased. Where a suffix has more than `hits` hits, that many evenly spaced
// ones count, not the first in order, which would all begin alike. On a processor a pass over many rows costs, so the
// default is 16 nodes, not the paper's 64, and a suffix of one token is no reason to draft. Continuations end with
// their document.
//
// Cost: two binary searches for each length tried, then `hits` continuations read from the mapped file.
#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "decode/draft/vocabulary.h"
#include "decode/rest/store.h"

namespace frugal {
namespace {

struct TrieNode {
  int parent;
  int32_t token;
  int depth, count;
};

class Rest : public Drafter {
 public:
  Rest(const Args& a, const DraftTarget& target)
      : store_(a.text("store")),
        most_(static_cast<size_t>(a.integer("n"))),
        least_(static_cast<size_t>(a.integer("least"))),
        length_(static_cast<int>(a.integer("length"))),
        nodes_(static_cast<int>(a.integer("nodes"))),
        hits_(static_cast<uint64_t>(a.integer("hits"))) {
    const bool same = target.tokenizer == nullptr || store_.fingerprint() == fingerprint(*target.tokenizer);
    if (!same || store_.vocab() > target.runner.vocab())
      fail(ErrorCode::kBadInput, "rest",
           "{} was built with another tokenizer (of {} tokens); expected this model's: build it anew", a.text("store"),
           store_.vocab());
  }

  int most_depth() const override { return length_; }
  void propose(std::span<DraftSequence* const> seqs) override {
    for (DraftSequence* s : seqs) propose_one(*s);
  }

 private:
  void propose_one(DraftSequence& s) {
    for (size_t n = std::min(most_, s.tokens.size()); n >= least_; --n) {
      const RestStore::Hits hits = store_.find(s.tokens.last(n));
      if (hits.count() == 0) continue;
      count_continuations(hits, n, static_cast<size_t>(std::min(length_, s.most_depth)));
      return keep_best(s.tree, std::min(nodes_, s.most_nodes));
    }
  }

  // Hits come sorted, so a continuation shares its beginning with the one before or is new.
  void count_continuations(RestStore::Hits hits, size_t skip, size_t most) {
    trie_.clear();
    path_.clear();
    const uint64_t n = std::min(hits_, hits.count());
    for (uint64_t i = 0; i < n; ++i) {
      store_.continuation(hits.first + hits.count() * i / n, skip, most, tokens_);
      size_t same = 0;
      while (same < path_.size() && same < tokens_.size() &&
             trie_[static_cast<size_t>(path_[same])].token == tokens_[same])
        ++same;
      path_.resize(same);
      for (size_t d = same; d < tokens_.size(); ++d) {
        trie_.push_back({d == 0 ? -1 : path_[d - 1], tokens_[d], static_cast<int>(d), 0});
        path_.push_back(static_cast<int>(trie_.size()) - 1);
      }
      for (int node : path_) ++trie_[static_cast<size_t>(node)].count;
    }
  }

  void keep_best(DraftTree& tree, int most) {
    order_.resize(trie_.size());
    for (size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<int>(i);
    auto better = [&](int a, int b) {
      const TrieNode &x = trie_[static_cast<size_t>(a)], &y = trie_[static_cast<size_t>(b)];
      return std::tuple(-x.count, x.depth, x.token, a) < std::tuple(-y.count, y.depth, y.token, b);
    };
    const size_t n = std::min(order_.size(), static_cast<size_t>(std::max(0, most)));
    std::partial_sort(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(n), order_.end(), better);
    places_.assign(trie_.size(), -1);
    for (size_t i = 0; i < n; ++i) {
      const TrieNode& node = trie_[static_cast<size_t>(order_[i])];
      places_[static_cast<size_t>(order_[i])] =
          tree.add(node.parent < 0 ? 0 : places_[static_cast<size_t>(node.parent)], {node.token});
    }
  }

  RestStore store_;
  size_t most_, least_;
  int length_, nodes_;
  uint64_t hits_;
  std::vector<TrieNode> trie_;  // the rest is kept for its memory
  std::vector<int> path_, order_, places_;
  std::vector<int32_t> tokens_;
};

std::unique_ptr<Drafter> make_rest(const Args& a, const DraftTarget& target) {
  if (a.integer("n") + a.integer("length") > RestStore::kOrdered)
    fail(ErrorCode::kUsage, "rest", "found n = {} and length = {}, expected at most {} together", a.integer("n"),
         a.integer("length"), RestStore::kOrdered);
  if (a.integer("least") > a.integer("n"))
    fail(ErrorCode::kUsage, "rest", "found least = {} above n = {}", a.integer("least"), a.integer("n"));
  return std::make_unique<Rest>(a, target);
}

const Register<MakeDrafter> kRest(
    {.kind = "draft",
     .name = "rest",
     .title = "REST: Retrieval-Based Speculative Decoding",
     .authors = "He et al.",
     .year = 2023,
     .arxiv = "2311.08252",
     .help = "continuations of the context's end found in a datastore",
     .params = {ParamInfo::text("store", "file made by `frugal store build`"),
                ParamInfo::integer("n", "tokens that must match, at first").preset("16").within(1, 31),
                ParamInfo::integer("length", "tokens of a continuation").preset("10").within(1, 31),
                ParamInfo::integer("nodes", "nodes of the draft").preset("16").within(1, 64),
                ParamInfo::integer("least", "tokens that must match, at last").preset("2").within(1, 31),
                ParamInfo::integer("hits", "hits that are looked at").preset("1000").within(1, 1e6)},
     .needs = {"store"},
     .abilities = {"no model"}},
    make_rest);

}  // namespace
}  // namespace frugal
