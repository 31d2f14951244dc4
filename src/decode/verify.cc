#include "decode/verify.h"

#include <algorithm>

namespace frugal {
namespace {

constexpr double kNothing = 1e-12;  // a residual of less is rounding: P equals Q

bool is_point(const Trial& t) { return t.q == nullptr; }

// What earlier trials took out of the distribution that trial i was drawn from.
template <typename F>
void for_each_taken(std::span<const Trial> trials, size_t i, F f) {
  if (trials[i].replaced) return;
  for (size_t j = 0; j < i; ++j)
    if (trials[j].q == trials[i].q) f(trials[j].token);
}

double share_left(std::span<const Trial> trials, size_t i) {
  double left = trials[i].q->total;
  for_each_taken(trials, i, [&](int32_t token) { left -= static_cast<double>(trials[i].q->p(token)); });
  return left;
}

}  // namespace

int32_t Verifier::choose(Sampler& sampler, std::span<const float> logits, std::span<const Trial> trials) {
  if (sampler.greedy() || std::all_of(trials.begin(), trials.end(), is_point)) return sampler.sample(logits);
  const Distribution& d = sampler.distribution(logits);
  p_.resize(std::max(p_.size(), logits.size()));
  q_.resize(p_.size());
  support_.clear();
  for (const TokenProbability& t : d.tokens) {
    support_.push_back(t.id);
    p_[static_cast<size_t>(t.id)] = static_cast<double>(t.p) / d.total;
  }
  int32_t token = -1;
  for (size_t i = 0; i < trials.size() && token < 0; ++i) {
    if (accept(trials, i))
      token = trials[i].token;
    else if (!reject(trials, i))
      break;
  }
  if (token < 0) token = pick(sampler.stream().uniform53());
  for (int32_t id : support_) p_[static_cast<size_t>(id)] = 0;
  return token;
}

bool Verifier::accept(std::span<const Trial> trials, size_t i) {
  const Trial& t = trials[i];
  const double q = is_point(t) ? 1 : static_cast<double>(t.q->p(t.token)) / share_left(trials, i);
  return coins_.uniform53() * q < p_[static_cast<size_t>(t.token)];
}

// P = norm((P - Q_i)+). False when nothing would be left: then P is drawn from as it is.
bool Verifier::reject(std::span<const Trial> trials, size_t i) {
  const Trial& t = trials[i];
  if (is_point(t)) {
    q_[static_cast<size_t>(t.token)] = 1;
  } else {
    const double left = share_left(trials, i);
    for (const TokenProbability& x : t.q->tokens) q_[static_cast<size_t>(x.id)] = static_cast<double>(x.p) / left;
    for_each_taken(trials, i, [&](int32_t token) { q_[static_cast<size_t>(token)] = 0; });
  }
  double sum = 0;
  for (int32_t id : support_) sum += std::max(0.0, p_[static_cast<size_t>(id)] - q_[static_cast<size_t>(id)]);
  if (sum > kNothing)
    for (int32_t id : support_) {
      double& p = p_[static_cast<size_t>(id)];
      p = std::max(0.0, p - q_[static_cast<size_t>(id)]) / sum;
    }
  if (is_point(t)) {
    q_[static_cast<size_t>(t.token)] = 0;
  } else {
    for (const TokenProbability& x : t.q->tokens) q_[static_cast<size_t>(x.id)] = 0;
  }
  return sum > kNothing;
}

int32_t Verifier::pick(double uniform) const {
  double sum = 0;
  int32_t last = -1;  // where rounding leaves the sum below uniform
  for (int32_t id : support_) {
    const double p = p_[static_cast<size_t>(id)];
    if (p == 0) continue;
    sum += p;
    last = id;
    if (uniform < sum) break;
  }
  return last;
}

}  // namespace frugal
