// Logit bias: a number added to the logits of chosen tokens; -inf takes a token out of play.
//
// The rule of the OpenAI API: logit_i += bias_i. Written logit_bias([50256:-100, 15:2.5]), each item an id
// and its bias.
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "decode/sampler/stage.h"

namespace frugal {
namespace {

std::pair<int32_t, float> read_bias(const Value& item) {
  std::pair<int32_t, float> out;
  const char* const end = item.text.data() + item.text.size();
  const auto id = std::from_chars(item.text.data(), end, out.first);
  const bool colon = id.ec == std::errc{} && out.first >= 0 && id.ptr < end && *id.ptr == ':';
  const auto bias =
      colon ? std::from_chars(id.ptr + 1, end, out.second) : std::from_chars_result{end, std::errc::invalid_argument};
  if (bias.ec != std::errc{} || bias.ptr != end || std::isnan(out.second) || out.second > 1e9f)
    fail(ErrorCode::kUsage, "logit_bias", "found '{}', expected a token's id and its bias, such as 50256:-100",
         to_string(item));
  return out;
}

class LogitBias : public Cloneable<LogitBias> {
 public:
  explicit LogitBias(const std::vector<Value>& items) {
    for (const Value& item : items) biases_.push_back(read_bias(item));
    std::sort(biases_.begin(), biases_.end());
    for (size_t i = 1; i < biases_.size(); ++i)
      if (biases_[i].first == biases_[i - 1].first)
        fail(ErrorCode::kUsage, "logit_bias", "found token {} twice, expected it once", biases_[i].first);
  }
  void apply(Candidates& tokens) override {
    tokens.edit(biases_, [](float logit, float bias) { return logit + bias; });
  }

 private:
  std::vector<std::pair<int32_t, float>> biases_;
};

const Register<MakeStage> kLogitBias({.kind = "sample",
                                      .role = "logits",
                                      .name = "logit_bias",
                                      .help = "adds a bias to the logits of chosen tokens",
                                      .params = {ParamInfo::list("biases", "items id:bias, such as [50256:-100]")}},
                                     [](const Args& a) { return std::make_unique<LogitBias>(a.list("biases")); });

}  // namespace
}  // namespace frugal
