// Greedy: the most likely token, the lowest id on ties. The sampler skips the rest of its work when this
// comes first.
#include "decode/sampler/stage.h"

namespace frugal {
namespace {

class Greedy : public Cloneable<Greedy> {
 public:
  bool leaves_argmax() const override { return true; }
  void apply(Candidates& tokens) override { tokens.keep_top(1); }
};

const Register<MakeStage> kGreedy(
    {.kind = "sample", .role = "select", .name = "greedy", .help = "the most likely token"},
    [](const Args&) { return std::make_unique<Greedy>(); });

}  // namespace
}  // namespace frugal
