// One step between logits and the drawn token: it changes logits or takes tokens out of play.
//
// Stages run in the order the spec gives them, each on what the one before left, as samplers elsewhere do. A
// stage with memory follows the accepted path only: it hears of the prompt, then of every accepted token.
// Each registers under the kind "sample", from its own source file:
//   const Register<MakeStage> kGreedy({.kind = "sample", .name = "greedy", ...}, [](const Args& a) { return
//   ...; });
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/registry.h"
#include "decode/sampler/candidates.h"

namespace frugal {

class Stage {
 public:
  virtual ~Stage() = default;
  virtual void apply(Candidates& tokens) = 0;
  virtual void reset(std::span<const int32_t> /*prompt*/) {}
  virtual void advance(int32_t /*token*/) {}
  virtual std::unique_ptr<Stage> clone() const = 0;
  // Does it leave exactly the most likely token, the lowest id on ties?
  virtual bool leaves_argmax() const { return false; }
};

using MakeStage = std::unique_ptr<Stage>(const Args&);

// Gives a stage its clone(): struct TopK : Cloneable<TopK> { ... }.
template <typename Derived>
class Cloneable : public Stage {
 public:
  std::unique_ptr<Stage> clone() const override {
    return std::make_unique<Derived>(static_cast<const Derived&>(*this));
  }
};

}  // namespace frugal
