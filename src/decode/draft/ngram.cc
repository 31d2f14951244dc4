// Prompt lookup: where the last n tokens occurred before, what followed then is the draft.
//
// A. Saxena, "Prompt Lookup Decoding" (2023): look for the last n tokens earlier in the context, n from the largest
// down to one, and copy the k tokens behind the match. There the first match with a full continuation counts
// (pick=first); here, by default, the newest one, which is about the same thing more often, and which may run on into
// its own copy, so that a text in a loop is drafted whole (as in Lempel and Ziv 1977). No match: no draft, and no cost.
//
// Trials are point masses: greedy and sampled runs give the tokens of the run without a draft. Cost: one scan of the
// context for each n, a microsecond for a thousand tokens.
#include <algorithm>

#include "decode/draft/drafter.h"

namespace frugal {
namespace {

class Ngram : public Drafter {
 public:
  explicit Ngram(const Args& a)
      : most_(static_cast<size_t>(a.integer("n"))),
        least_(static_cast<size_t>(std::min(a.integer("least"), a.integer("n")))),
        k_(draft_length(a)),
        first_(a.text("pick") == "first"),
        automatic_(draft_length_is_auto(a)) {}

  int most_depth() const override { return k_; }
  bool chooses_depth() const override { return automatic_; }

  void propose(std::span<DraftSequence* const> seqs) override {
    for (DraftSequence* s : seqs) propose_one(*s);
  }

 private:
  void propose_one(DraftSequence& s) const {
    const size_t k = static_cast<size_t>(std::min({k_, s.most_depth, s.most_nodes})), size = s.tokens.size();
    if (k == 0) return;
    size_t from = 0;
    for (size_t n = std::min(most_, size - 1); n >= least_ && n > 0 && from == 0; --n)
      from = behind_match(s.tokens, n, k);
    if (from == 0) return;
    int node = 0;
    for (size_t i = 0; i < k; ++i)  // a token behind the end of the context is one of the draft's own
      node = s.tree.add(
          node, {from + i < size ? s.tokens[from + i] : s.tree.node(static_cast<int>(from + i - size) + 1).token});
  }

  // The place behind an earlier occurrence of the last n tokens; 0: there is none.
  size_t behind_match(std::span<const int32_t> tokens, size_t n, size_t k) const {
    const auto end = tokens.last(n);
    auto is_match = [&](size_t behind) {
      return std::equal(end.begin(), end.end(), tokens.begin() + static_cast<std::ptrdiff_t>(behind - n));
    };
    if (first_) {
      for (size_t behind = n; behind + k <= tokens.size(); ++behind)
        if (is_match(behind)) return behind;
    } else {
      for (size_t behind = tokens.size() - 1; behind >= n; --behind)
        if (is_match(behind)) return behind;
    }
    return 0;
  }

  size_t most_, least_;
  int k_;
  bool first_, automatic_;
};

const Register<MakeDrafter> kNgram(
    {.kind = "draft",
     .name = "ngram",
     .title = "Prompt Lookup Decoding",
     .authors = "Saxena",
     .year = 2023,
     .help = "copies what followed the last n tokens earlier in the context",
     .params = {ParamInfo::integer("n", "tokens that must match, at first").preset("3").within(1, 64),
                draft_length_param("8"),
                ParamInfo::integer("least", "tokens that must match, at last").preset("1").within(1, 64),
                ParamInfo::choice("pick", {"newest", "first"}, "which of several matches counts").preset("newest")},
     .abilities = {"no model", "any vocabulary"}},
    [](const Args& a, const DraftTarget&) { return std::make_unique<Ngram>(a); });

}  // namespace
}  // namespace frugal
