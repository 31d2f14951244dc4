// A drafter guesses what comes next, cheaply; the target verifies all guesses in one pass, and the output's
// distribution stays the target's whatever was guessed (verify.h).
//
// Each registers under the kind "draft" from its own source file and is named by a spec: ngram(n=3,k=8). The engine
// asks all sequences that decode for their trees at once, so that drafters with a model pack them into one batch. The
// same model thread runs drafter and target in turn.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "decode/draft/draft_tree.h"
#include "model/runner.h"
#include "text/tokenizer.h"

namespace frugal {

// What a drafter keeps of one sequence from step to step.
struct DraftState {
  virtual ~DraftState() = default;
};

// One sequence as drafters see it.
struct DraftSequence {
  std::span<const int32_t> tokens;     // all that is committed; the last is pending, the tree's root
  const Sampler* sampler = nullptr;    // the request's, its memory at the end of tokens
  Stream* random = nullptr;            // for the draft's own draws and nothing else
  int most_depth = 0, most_nodes = 0;  // of this step's tree, the root not counted
  std::span<const int> widths;         // trials at each node by depth; empty: the drafter's own choice
  bool replace = true;                 // are a node's trials drawn with replacement?
  DraftTree tree;                      // what propose() fills in; only its root before
  std::unique_ptr<DraftState> state;   // the drafter's
};

class Drafter {
 public:
  virtual ~Drafter() = default;
  // Takes in what is known of a sequence before its first draft. It may do nothing: propose() catches up.
  virtual void prefill(DraftSequence& /*seq*/) {}
  // Fills in each sequence's tree within its limits; only the root where there is nothing to say.
  virtual void propose(std::span<DraftSequence* const> seqs) = 0;
  virtual int most_depth() const = 0;                   // of any tree it proposes
  virtual bool chooses_depth() const { return false; }  // k=auto: the engine sets most_depth by measured cost
};

// Whom the drafts are for. Both outlive the drafter; tokenizer may be null (ids only).
struct DraftTarget {
  Runner& runner;
  const Tokenizer* tokenizer;
};

using MakeDrafter = std::unique_ptr<Drafter>(const Args&, const DraftTarget&);

// Throws Error: kUsage for a wrong spec, and whatever loading a model or a store can say.
std::unique_ptr<Drafter> make_drafter(const std::string& spec, const DraftTarget& target);
std::unique_ptr<Drafter> make_drafter(const Unit& unit, const DraftTarget& target);
// Checks names and values and loads nothing; the canonical form.
std::string canonical_draft_spec(const std::string& spec);

// The parameter k of chains: a length, or auto, which chooses it for each step (cost.h).
constexpr int kMostAuto = 32;
ParamInfo draft_length_param(const char* preset);
int draft_length(const Args& args);
bool draft_length_is_auto(const Args& args);

}  // namespace frugal
