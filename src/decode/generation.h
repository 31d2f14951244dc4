// One request's side of generation: turns the logits of each step into the next token, its text, and a reason to stop.
//
// It owns what must follow the accepted path and nothing else: sampler, streaming decoder, stop matcher, limits.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "decode/logprobs.h"
#include "decode/sampler/sampler.h"
#include "decode/stop.h"
#include "decode/verify.h"
#include "text/stream_decoder.h"

namespace frugal {

enum class Finish : uint8_t { kNone, kStop, kLength, kContext, kCancelled };
const char* finish_name(Finish finish);  // "stop", "length", "context", "cancelled"

struct GenerationOptions {
  int max_new = 128;
  std::string sample = "greedy";  // sampler spec
  uint64_t seed = 0;
  std::vector<std::string> stop;  // texts that end the answer, themselves left out
  std::vector<int32_t> stop_ids;  // ids that end it
  int logprobs = 0;               // most likely alternatives reported with each token
  bool keep_special = false;      // control tokens show their text
  bool continues = false;         // the answer goes on in the prompt's text: a blank at its beginning is shown
};

// What one step produced. text may be empty while a character or a possible stop text is incomplete.
struct Token {
  int32_t id = -1;
  std::string text;
  double logprob = 0;
  std::vector<TokenLogprob> top;  // with logprobs > 0
  Finish finish = Finish::kNone;
};

class Generation {
 public:
  // tokenizer may be null: ids only. Throws Error when the sampler spec is wrong.
  Generation(const Tokenizer* tokenizer, const GenerationOptions& options, std::span<const int32_t> prompt);
  // The next token after a row of logits. trials: what was drafted there, tested in order.
  Token accept(std::span<const float> logits, std::span<const Trial> trials = {});
  int produced() const { return produced_; }
  int left() const { return options_.max_new - produced_; }
  const Sampler& sampler() const { return *sampler_; }

 private:
  std::string show(int32_t id, Finish& finish);

  GenerationOptions options_;
  std::unique_ptr<Sampler> sampler_;
  Verifier verifier_;
  std::optional<StreamDecoder> decoder_;
  StopMatcher stop_;
  int produced_ = 0;
};

}  // namespace frugal
