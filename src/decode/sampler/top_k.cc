// Top-k: only the k most likely tokens stay in play.
//
// A. Fan, M. Lewis, Y. Dauphin, "Hierarchical Neural Story Generation", 2018 (section 5.1). Exactly k stay:
// of equals at the border the lower ids (some libraries keep every equal of the k-th). Cost: one scan.
#include "decode/sampler/stage.h"

namespace frugal {
namespace {

class TopK : public Cloneable<TopK> {
 public:
  explicit TopK(int64_t k) : k_(static_cast<size_t>(k)) {}
  bool leaves_argmax() const override { return k_ == 1; }
  void apply(Candidates& tokens) override {
    if (k_ > 0 && k_ < tokens.size()) tokens.keep_top(k_);
  }

 private:
  size_t k_;
};

const Register<MakeStage> kTopK({.kind = "sample",
                                 .role = "select",
                                 .name = "top_k",
                                 .title = "Hierarchical Neural Story Generation",
                                 .authors = "Fan, Lewis, Dauphin",
                                 .year = 2018,
                                 .arxiv = "1805.04833",
                                 .help = "keeps the k most likely tokens; 0 keeps all",
                                 .params = {ParamInfo::integer("k", "tokens kept").preset("40").within(0, 1e9)}},
                                [](const Args& a) { return std::make_unique<TopK>(a.integer("k")); });

}  // namespace
}  // namespace frugal
