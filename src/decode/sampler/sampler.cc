#include "decode/sampler/sampler.h"

#include <cmath>

#include "base/error.h"

namespace frugal {
namespace {

int32_t need_argmax(std::span<const float> logits) {
  const int32_t id = argmax(logits);
  if (id < 0)
    fail(ErrorCode::kBadInput, "sample", "found no logit above -inf in {}, expected finite ones", logits.size());
  return id;
}

void normalise(Candidates& from, Distribution& to) {
  const double log_mass = from.log_mass();
  auto p = [&](float logit) { return std::exp(static_cast<float>(static_cast<double>(logit) - log_mass)); };
  to.dense = from.dense();
  to.tokens.resize(from.size());
  if (to.dense) {
    const std::span<const float> logits = from.logits();
    for (size_t i = 0; i < logits.size(); ++i) to.tokens[i] = {static_cast<int32_t>(i), p(logits[i])};
  } else {
    std::vector<Candidate>& list = from.list();
    if (!std::is_sorted(list.begin(), list.end(), likelier)) std::sort(list.begin(), list.end(), likelier);
    for (size_t i = 0; i < list.size(); ++i) to.tokens[i] = {list[i].id, p(list[i].logit)};
    while (to.tokens.size() > 1 && to.tokens.back().p == 0) to.tokens.pop_back();
  }
  to.total = 0;
  for (const TokenProbability& t : to.tokens) to.total += static_cast<double>(t.p);
}

}  // namespace

float Distribution::p(int32_t id) const {
  if (dense) return id >= 0 && static_cast<size_t>(id) < tokens.size() ? tokens[static_cast<size_t>(id)].p : 0;
  for (const TokenProbability& t : tokens)
    if (t.id == id) return t.p;
  return 0;
}

int32_t Distribution::pick(double uniform) const {
  const double wanted = uniform * total;
  double sum = 0;
  int32_t last = -1;  // where rounding leaves wanted at the very end
  for (const TokenProbability& t : tokens) {
    if (t.p == 0) continue;
    sum += static_cast<double>(t.p);
    last = t.id;
    if (wanted < sum) break;
  }
  return last;
}

Sampler::Sampler(const Spec& spec, uint64_t seed, uint64_t request)
    : stream_(frugal::stream(seed, request, Purpose::kSample)) {
  check_spec("sample", spec);
  spec_ = to_string(canonical("sample", spec));
  for (const Part& part : spec) {
    if (part.scope.narrows())
      fail(ErrorCode::kUsage, "sample", "found the scope of '{}', expected none", to_string(part));
    stages_.push_back(make_method<MakeStage>("sample", part.unit));
  }
}

Sampler::Sampler(const Sampler& other) : spec_(other.spec_), stream_(other.stream_) {
  for (const auto& stage : other.stages_) stages_.push_back(stage->clone());
}

void Sampler::reset_prompt(std::span<const int32_t> ids) {
  for (const auto& stage : stages_) stage->reset(ids);
}

void Sampler::advance(int32_t token) {
  for (const auto& stage : stages_) stage->advance(token);
}

// Once a stage leaves one token the others cannot change it, but for a bias of -inf, which would leave none.
bool Sampler::greedy() const { return stages_.front()->leaves_argmax(); }

const Distribution& Sampler::distribution(std::span<const float> logits) {
  if (greedy()) {
    distribution_.tokens.assign(1, {need_argmax(logits), 1.0f});
    distribution_.dense = false;
    distribution_.total = 1;
    return distribution_;
  }
  candidates_.load(logits);
  for (const auto& stage : stages_) stage->apply(candidates_);
  normalise(candidates_, distribution_);
  return distribution_;
}

int32_t Sampler::sample(std::span<const float> logits) {
  if (greedy()) return need_argmax(logits);
  const Distribution& d = distribution(logits);
  return d.tokens.size() == 1 ? d.tokens[0].id : d.pick(stream_.uniform53());
}

std::unique_ptr<Sampler> make_sampler(const std::string& spec, uint64_t seed, uint64_t request) {
  return std::make_unique<Sampler>(parse_spec(spec), seed, request);
}

}  // namespace frugal
