// StreamingLLM (Xiao et al. 2023, arXiv 2309.17453): endless text in a cache of fixed size.
//
// Softmax needs somewhere to put its mass, and models learn to put it on the first tokens. So the first `sink` rows
// stay for good, then a window of the newest; what lies between goes (section 3.2). Rows count as standing where they
// lie in the cache, 0, 1, 2, ..., so that positions never outgrow what the model was trained on. Only distances matter
// to rotary positions, and within the window they are those of the text: the sinks alone have to come nearer. So keys
// are rotated once, at their own positions, and it is the query that turns: the one that meets the sinks stands as many
// positions earlier as rows have left (with ALiBi, their keys stand as much later). That is the paper's re-indexing
// exactly, without rotating a thousand keys at every step.
//
// Costs nothing where nothing leaves; at an event pages of the oldest rows are let go. Text that has left is gone: this
// is no longer context.
#include "kv/policy/policy.h"

namespace frugal {
namespace {

class Streaming : public Policy {
 public:
  explicit Streaming(const Args& a)
      : schedule_(schedule_of(a)), sink_(a.integer("sink")), window_(a.integer("window")) {}
  KvSchedule schedule() const override { return schedule_; }
  PolicySelection select(const PolicyRoom&) const override {
    return {sink_ + window_, sink_ + window_, sink_, window_};
  }
  bool counts_in_cache() const override { return true; }

 private:
  KvSchedule schedule_;
  int64_t sink_, window_;
};

const Register<MakePolicy> kStreaming(
    {.kind = "kv",
     .role = "policy",
     .name = "streaming",
     .title = "Efficient Streaming Language Models with Attention Sinks",
     .authors = "Xiao et al.",
     .year = 2023,
     .arxiv = "2309.17453",
     .help = "keeps the first rows and a window of the newest, numbered inside the cache",
     .params = with_schedule({ParamInfo::integer("sink", "first rows that stay for good").preset("4").at_least(0),
                              ParamInfo::integer("window", "newest rows").preset("1020").at_least(1)}),
     .abilities = {"evicts"}},
    [](const Args& a) { return std::make_unique<Streaming>(a); });

}  // namespace
}  // namespace frugal
