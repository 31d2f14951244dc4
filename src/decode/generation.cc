#include "decode/generation.h"

#include <algorithm>

namespace frugal {

const char* finish_name(Finish finish) {
  switch (finish) {
    case Finish::kStop: return "stop";
    case Finish::kLength: return "length";
    case Finish::kContext: return "context";
    case Finish::kCancelled: return "cancelled";
    case Finish::kNone: break;
  }
  return "none";
}

Generation::Generation(const Tokenizer* tokenizer, const GenerationOptions& options, std::span<const int32_t> prompt)
    : options_(options),
      sampler_(make_sampler(options.sample, options.seed)),
      verifier_(stream(options.seed, 0, Purpose::kVerify)),
      stop_(options.stop) {
  if (tokenizer != nullptr) decoder_.emplace(*tokenizer, options.keep_special, options.continues);
  sampler_->reset_prompt(prompt);
}

Token Generation::accept(std::span<const float> logits, std::span<const Trial> trials) {
  Token token;
  token.id = verifier_.choose(*sampler_, logits, trials);
  sampler_->advance(token.id);
  ++produced_;
  if (options_.logprobs > 0) {
    token.top = top_logprobs(logits, options_.logprobs);
    token.logprob = logprob_of(logits, token.id);
  }
  const auto& ends = options_.stop_ids;
  if (std::find(ends.begin(), ends.end(), token.id) != ends.end()) token.finish = Finish::kStop;
  token.text = show(token.id, token.finish);
  if (token.finish == Finish::kNone && produced_ >= options_.max_new) token.finish = Finish::kLength;
  if (token.finish == Finish::kLength && decoder_) token.text += stop_.finish(decoder_->finish());
  return token;
}

// The text that this id completes; a stop text inside it ends the answer.
std::string Generation::show(int32_t id, Finish& finish) {
  if (!decoder_) return "";
  if (finish == Finish::kStop) return stop_.finish(decoder_->finish());
  std::string text = stop_.push(decoder_->push(id));
  if (stop_.stopped()) finish = Finish::kStop;
  return text;
}

}  // namespace frugal
