// The output's distribution is the target's whatever was drafted: chi-squared tests of every rule under several
// samplers, of single tokens and of sequences; and wrong verifiers, which the same tests must find out.
#include "decode/verify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "decode/generation.h"
#include "decode/sampler/reference.h"

namespace frugal {
namespace {

// Upper tail probability of chi-squared, by Wilson and Hilferty's cube root.
double tail(double x, double freedom) {
  const double z = (std::cbrt(x / freedom) - (1 - 2 / (9 * freedom))) / std::sqrt(2 / (9 * freedom));
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}

// Pearson's test of counts against probabilities; cells with fewer than 5 expected are taken together.
double p_value(const std::vector<double>& count, const std::vector<double>& p) {
  double n = 0, x = 0, rare = 0, rare_expected = 0;
  int cells = 0;
  auto add = [&](double found, double expected) { x += (found - expected) * (found - expected) / expected, ++cells; };
  for (double c : count) n += c;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0 && count[i] > 0) return 0;  // what cannot be
    if (n * p[i] >= 5)
      add(count[i], n * p[i]);
    else
      rare += count[i], rare_expected += n * p[i];
  }
  if (rare_expected > 0.5) add(rare, rare_expected);
  return cells < 2 ? 1 : tail(x, cells - 1);
}

std::shared_ptr<const Distribution> processed(const Sampler& sampler, const std::vector<float>& logits) {
  return std::make_shared<const Distribution>(sampler.clone()->distribution(logits));
}

int32_t draw_another(const Distribution& q, const std::vector<Trial>& taken, double uniform) {
  Distribution rest = q;
  for (TokenProbability& t : rest.tokens)
    for (const Trial& x : taken)
      if (x.token == t.id) t.p = 0;
  rest.total = 0;
  for (const TokenProbability& t : rest.tokens) rest.total += static_cast<double>(t.p);
  return rest.total > 0 ? rest.pick(uniform) : -1;
}

constexpr int kVocab = 16;
struct Setting {
  std::vector<float> target, draft, second;
  std::unique_ptr<Sampler> sampler;
};
using Draft = std::function<std::vector<Trial>(const Setting&, Stream&)>;

std::vector<Trial> chain_draft(const Setting& s, Stream& random) {
  const auto q = processed(*s.sampler, s.draft);
  return {{q->pick(random.uniform53()), q}};
}
std::vector<Trial> with_replacement(const Setting& s, Stream& random) {
  const auto q = processed(*s.sampler, s.draft);
  std::vector<Trial> trials;
  for (int i = 0; i < 3; ++i) trials.push_back({q->pick(random.uniform53()), q});
  return trials;
}
std::vector<Trial> without_replacement(const Setting& s, Stream& random) {
  const auto q = processed(*s.sampler, s.draft);
  std::vector<Trial> trials;
  for (int i = 0; i < 3; ++i) {
    const int32_t token = draw_another(*q, trials, random.uniform53());
    if (token >= 0) trials.push_back({token, q, false});
  }
  return trials;
}
std::vector<Trial> two_drafters(const Setting& s, Stream& random) {
  const auto q = processed(*s.sampler, s.draft), r = processed(*s.sampler, s.second);
  const Trial a{q->pick(random.uniform53()), q}, b{r->pick(random.uniform53()), r}, c{q->pick(random.uniform53()), q};
  if (random.uniform53() < 0.5) return {b, a, c};
  return {a, b, c};
}
std::vector<Trial> chosen_tokens(const Setting& s, Stream&) {
  const int32_t best = argmax(s.draft);
  return {{best}, {(best + 5) % kVocab}};
}
std::vector<Trial> drawn_and_chosen(const Setting& s, Stream& random) {
  std::vector<Trial> trials = chain_draft(s, random);
  trials.insert(trials.begin(), Trial{argmax(s.second)});
  return trials;
}
std::vector<Trial> other_sampler(const Setting& s, Stream& random) {  // the draft may be processed in any way
  const auto q = processed(*make_sampler("temp(1.7)", 0), s.draft);
  return {{q->pick(random.uniform53()), q}, {q->pick(random.uniform53()), q}};
}

Setting setting(const char* sampler, uint64_t seed) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  Setting s;
  s.target = plain::random_logits(random, kVocab, 1.5, false);
  s.second = plain::random_logits(random, kVocab, 1.5, false);
  s.draft = s.target;  // near the target
  for (float& x : s.draft) x += static_cast<float>(std::normal_distribution<double>(0, 0.8)(random));
  s.sampler = make_sampler(sampler, seed);
  return s;
}

// Tokens drawn n times after a draft. coins: whose numbers the verifier takes.
double p_of_rule(const char* sampler, const Draft& draft, int n, uint64_t seed, Purpose coins = Purpose::kVerify) {
  const Setting s = setting(sampler, seed);
  Verifier verifier(stream(seed, 1, coins));
  Stream random = stream(seed, 1, Purpose::kDraft);
  std::vector<double> count(kVocab, 0), p;
  for (int i = 0; i < n; ++i) {
    const std::vector<Trial> trials = draft(s, random);
    ++count[static_cast<size_t>(verifier.choose(*s.sampler, s.target, trials))];
  }
  const auto goal = processed(*s.sampler, s.target);
  for (int id = 0; id < kVocab; ++id) p.push_back(static_cast<double>(goal->p(id)) / goal->total);
  return p_value(count, p);
}

const std::vector<std::pair<const char*, Draft>> kRules = {{"chain", chain_draft},
                                                           {"with replacement", with_replacement},
                                                           {"without replacement", without_replacement},
                                                           {"two drafters", two_drafters},
                                                           {"chosen tokens", chosen_tokens},
                                                           {"drawn and chosen", drawn_and_chosen},
                                                           {"another sampler", other_sampler}};
const std::vector<const char*> kSamplers = {"temp(1)", "temp(0.6)", "temp(1) | top_p(0.9)", "temp(0.8) | top_k(6)",
                                            "top_k(1) | temp(1)"};

TEST(Verifier, OutputFollowsTheTarget) {
  for (const auto& [rule, draft] : kRules)
    for (const char* sampler : kSamplers)
      EXPECT_GE(p_of_rule(sampler, draft, 50000, 11), 0.001) << rule << " under " << sampler;
}

// --- what must be found out ---------------------------------------------------------------------------------------

std::vector<Trial> without_duplicates(const Setting& s, Stream& random) {
  std::vector<Trial> trials = with_replacement(s, random), kept;
  for (const Trial& t : trials)
    if (std::none_of(kept.begin(), kept.end(), [&](const Trial& k) { return k.token == t.token; })) kept.push_back(t);
  return kept;
}
std::vector<Trial> chosen_as_drawn(const Setting& s, Stream&) {  // the two most likely with their softmax
  const auto q = processed(*s.sampler, s.draft);
  std::vector<TokenProbability> best = q->tokens;
  std::sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.p > b.p; });
  return {{best[0].id, q}, {best[1].id, q}};
}
std::vector<Trial> other_q(const Setting& s, Stream& random) {  // another distribution than the one drawn from
  return {
      {processed(*make_sampler("temp(1.7)", 0), s.draft)->pick(random.uniform53()), processed(*s.sampler, s.draft)}};
}
std::vector<Trial> as_if_replaced(const Setting& s, Stream& random) {
  std::vector<Trial> trials = without_replacement(s, random);
  for (Trial& t : trials) t.replaced = true;
  return trials;
}
std::vector<Trial> drawn_with_the_coin(const Setting& s, Stream& random) {
  const auto q = processed(*s.sampler, s.draft);
  Stream coin = random;  // the number that decides on acceptance too
  random.uniform53();
  return {{q->pick(coin.uniform53()), q}};
}

TEST(Verifier, BiasIsFoundOut) {
  EXPECT_LT(p_of_rule("temp(1)", without_duplicates, 50000, 11), 1e-6);
  EXPECT_LT(p_of_rule("temp(1)", chosen_as_drawn, 50000, 11), 1e-6);
  EXPECT_LT(p_of_rule("temp(1)", other_q, 50000, 11), 1e-6);
  EXPECT_LT(p_of_rule("temp(1)", as_if_replaced, 50000, 11), 1e-6);
  EXPECT_LT(p_of_rule("temp(1)", drawn_with_the_coin, 50000, 11, Purpose::kDraft), 1e-6);
  const Draft none = [](const Setting&, Stream&) { return std::vector<Trial>(); };
  EXPECT_GE(p_of_rule("temp(1)", none, 50000, 11), 0.001);
}

// Acceptance is what the theory says: sum of min(P, Q) for a drawn token, P for a chosen one.
TEST(Verifier, AcceptanceIsTheOverlap) {
  const Setting s = setting("temp(1)", 3);
  const auto p = processed(*s.sampler, s.target), q = processed(*s.sampler, s.draft);
  double overlap = 0;
  for (int id = 0; id < kVocab; ++id) overlap += static_cast<double>(std::min(p->p(id), q->p(id)));
  Verifier verifier(stream(3, 1, Purpose::kVerify));
  Stream random = stream(3, 1, Purpose::kDraft);
  constexpr int kRuns = 50000;
  int drawn = 0, chosen = 0;
  for (int i = 0; i < kRuns; ++i) {
    const auto a = chain_draft(s, random), b = chosen_tokens(s, random);
    drawn += verifier.choose(*s.sampler, s.target, a) == a[0].token;
    const int32_t y = verifier.choose(*s.sampler, s.target, b);
    chosen += y == b[0].token || y == b[1].token;
  }
  EXPECT_NEAR(drawn / double{kRuns}, overlap, 3 * 0.5 / std::sqrt(kRuns));
  const auto b = chosen_tokens(s, random);
  EXPECT_NEAR(chosen / double{kRuns}, static_cast<double>(p->p(b[0].token) + p->p(b[1].token)),
              3 * 0.5 / std::sqrt(kRuns));
}

TEST(Verifier, ADraftFromTheTargetIsAlwaysAccepted) {
  Setting s = setting("temp(0.9) | top_p(0.9)", 5);
  s.draft = s.target;
  Verifier verifier(stream(5, 1, Purpose::kVerify));
  Stream random = stream(5, 1, Purpose::kDraft);
  for (int i = 0; i < 5000; ++i) {
    const auto trials = chain_draft(s, random);
    ASSERT_EQ(verifier.choose(*s.sampler, s.target, trials), trials[0].token);
  }
}

TEST(Verifier, GreedyTakesTheMostLikelyWhateverWasDrafted) {
  Setting s = setting("greedy", 8);
  Verifier verifier(stream(8, 1, Purpose::kVerify));
  Stream random = stream(8, 1, Purpose::kDraft);
  for (const auto& [rule, draft] : kRules)
    EXPECT_EQ(verifier.choose(*s.sampler, s.target, draft(s, random)), argmax(s.target)) << rule;
}

// --- sequences ----------------------------------------------------------------------------------------------------

// A language of four tokens: the next depends on the last. Trees of two levels are drafted by another such table,
// walked as the engine walks them, and what comes out is compared with the exact law of three tokens.
struct Toy {
  std::array<std::vector<float>, 4> target, draft;
  explicit Toy(uint32_t seed) {
    std::mt19937 random(seed);
    for (auto* table : {&target, &draft})
      for (auto& row : *table) row = plain::random_logits(random, 4, 1.2, false);
  }
};

DraftTree toy_tree(const Toy& toy, const Sampler& sampler, int32_t pending, const Draft& draft, Stream& random) {
  DraftTree tree;
  tree.reset(pending);
  for (int node = 0; node < tree.size(); ++node) {
    if (tree.node(node).depth == 2) continue;
    Setting s;
    s.draft = toy.draft[static_cast<size_t>(tree.node(node).token)];
    s.second = s.target = s.draft;
    s.sampler = sampler.clone();
    if (node > 0) s.sampler->advance(tree.node(node).token);
    for (Trial trial : draft(s, random)) {
      trial.token %= 4;
      tree.add(node, trial);
    }
  }
  return tree;
}

double p_of_sequences(const char* spec, const Draft& draft, int n) {
  const Toy toy(5);
  std::vector<double> count(64, 0), p(64, 0);
  Stream random = stream(1, 2, Purpose::kDraft);
  for (int i = 0; i < n; ++i) {
    GenerationOptions o;
    o.sample = spec;
    o.seed = static_cast<uint64_t>(i);
    o.max_new = 3;
    const std::vector<int32_t> prompt = {1};
    Generation generation(nullptr, o, prompt);
    std::vector<int32_t> out = {1};
    while (out.size() < 4) {
      const DraftTree tree = toy_tree(toy, generation.sampler(), out.back(), draft, random);
      for (int node = 0; node >= 0 && out.size() < 4;) {
        out.push_back(
            generation.accept(toy.target[static_cast<size_t>(tree.node(node).token)], tree.node(node).trials).id);
        node = tree.child(node, out.back());
      }
    }
    ++count[static_cast<size_t>(out[1] * 16 + out[2] * 4 + out[3])];
  }
  auto sampler = make_sampler(spec, 0);
  for (int a = 0; a < 4; ++a)
    for (int b = 0; b < 4; ++b)
      for (int c = 0; c < 4; ++c) {
        double& product = p[static_cast<size_t>(a * 16 + b * 4 + c)] = 1;
        int last = 1;
        sampler->reset_prompt(std::vector<int32_t>{1});
        for (int next : {a, b, c}) {
          const Distribution& d = sampler->distribution(toy.target[static_cast<size_t>(last)]);
          product *= static_cast<double>(d.p(next)) / d.total;
          sampler->advance(next);
          last = next;
        }
      }
  return p_value(count, p);
}

TEST(Verifier, SequencesFollowTheTarget) {
  for (size_t rule : {0u, 1u, 2u, 4u})
    for (const char* sampler : {"temp(1)", "temp(0.8) | top_p(0.85)", "repetition(1.5) | temp(1)"})
      EXPECT_GE(p_of_sequences(sampler, kRules[rule].second, 50000), 0.001)
          << kRules[rule].first << " under " << sampler;
}

// Drafts that are point masses change nothing at all: seed for seed the very tokens.
TEST(Verifier, ChosenTokensLeaveTheRunAsItIs) {
  const Toy toy(9);
  const std::vector<int32_t> prompt = {2};
  for (uint64_t seed = 0; seed < 50; ++seed) {
    GenerationOptions o;
    o.sample = "repetition(1.3) | temp(1)";
    o.seed = seed;
    Generation plain(nullptr, o, prompt), drafted(nullptr, o, prompt);
    int32_t last = 2;
    for (int i = 0; i < 30; ++i) {
      const auto& logits = toy.target[static_cast<size_t>(last)];
      const std::vector<Trial> trials = {{i % 4}, {(i + 1) % 4}};
      last = plain.accept(logits).id;
      ASSERT_EQ(drafted.accept(logits, trials).id, last);
    }
  }
}

}  // namespace
}  // namespace frugal
