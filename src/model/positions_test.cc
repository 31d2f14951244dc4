// Position schemes against the papers' equations in float64 (tests/golden/positions), and through whole tiny models.
#include "model/positions.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "model/families/blocks.h"
#include "model/pass_harness.h"

namespace frugal {
namespace {

using PositionJson = nlohmann::json;

const PositionJson& position_goldens() {
  static const PositionJson goldens = PositionJson::parse(std::ifstream(testkit::golden("positions/positions.json")));
  return goldens;
}

PositionConfig position_config(const PositionJson& j) {
  PositionConfig c;
  c.theta = j.value("theta", c.theta);
  c.partial = j.value("partial", c.partial);
  c.scaling = j.value("scaling", c.scaling);
  c.factor = j.value("factor", c.factor);
  c.low_freq_factor = j.value("low_freq_factor", c.low_freq_factor);
  c.high_freq_factor = j.value("high_freq_factor", c.high_freq_factor);
  c.beta_fast = j.value("beta_fast", c.beta_fast);
  c.beta_slow = j.value("beta_slow", c.beta_slow);
  c.attention_factor = j.value("attention_factor", c.attention_factor);
  c.mscale = j.value("mscale", c.mscale);
  c.mscale_all_dim = j.value("mscale_all_dim", c.mscale_all_dim);
  c.truncate = j.value("truncate", c.truncate);
  c.original_context = j.value("original_context", c.original_context);
  return c;
}

RopeTable table_of(const PositionJson& config) {
  return make_rope(position_config(config), config["head_dim"], config.value("length", int64_t{0}));
}

// Angles are taken in double and rounded once, so that cos and sin are exact to float32 at any position.
TEST(Positions, FrequenciesAndAnglesOfEveryScheme) {
  const auto positions = position_goldens()["positions"].get<std::vector<int32_t>>();
  ASSERT_EQ(position_goldens()["rope"].size(), 18u);
  for (const PositionJson& g : position_goldens()["rope"]) {
    SCOPED_TRACE(g["name"].get<std::string>());
    const RopeTable t = table_of(g["config"]);
    const auto expected = g["inv_freq"].get<std::vector<double>>();
    ASSERT_EQ(t.inv_freq.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(t.inv_freq[i] / expected[i], 1.0, 1e-9) << "pair " << i;
    EXPECT_NEAR(t.attention_factor, g["attention_factor"].get<double>(), 1e-6);
    std::vector<float> angles(positions.size() * static_cast<size_t>(t.dims()));
    rope_angles(t, positions.data(), static_cast<int>(positions.size()), angles.data());
    for (size_t p = 0; p < positions.size(); ++p)
      for (size_t i = 0; i < expected.size(); ++i) {
        const float* a = angles.data() + p * static_cast<size_t>(t.dims()) + 2 * i;
        ASSERT_NEAR(a[0], g["cos"][p][i].get<double>(), 3e-7) << "position " << positions[p] << " pair " << i;
        ASSERT_NEAR(a[1], g["sin"][p][i].get<double>(), 3e-7) << "position " << positions[p] << " pair " << i;
      }
  }
}

TEST(Positions, BothLayoutsOfPairsTurnAndTurnBack) {
  for (const PositionJson& g : position_goldens()["rotate"]) {
    PositionConfig c;
    c.interleaved = g["interleaved"];
    const auto before = g["head"].get<std::vector<float>>();
    const auto after = g["out"].get<std::vector<double>>();
    const RopeTable t = make_rope(c, static_cast<int64_t>(before.size()), 0);
    const int32_t position = g["position"];
    std::vector<float> angles(before.size()), head = before;
    rope_angles(t, &position, 1, angles.data());
    rope_rotate(t, angles.data(), head.data());
    for (size_t i = 0; i < head.size(); ++i) EXPECT_NEAR(head[i], after[i], 2e-6) << i;
    rope_rotate(t, angles.data(), head.data(), -1.0f);
    for (size_t i = 0; i < head.size(); ++i) EXPECT_NEAR(head[i], before[i], 2e-6) << i;
  }
}

TEST(Positions, AlibiSlopes) {
  for (const PositionJson& g : position_goldens()["alibi"]) {
    const auto found = alibi_slopes(g["heads"]);
    const auto expected = g["slopes"].get<std::vector<double>>();
    ASSERT_EQ(found.size(), expected.size());
    for (size_t h = 0; h < found.size(); ++h)
      EXPECT_NEAR(found[h] / expected[h], 1.0, 1e-6) << g["heads"] << " heads, head " << h;
  }
}

TEST(Positions, UnknownScalingAndWrongDivisorsAreRefused) {
  PositionConfig c;
  c.scaling = "longrope";
  EXPECT_THROW(make_rope(c, 64, 0), Error);
  c.scaling = "none";
  c.freq_factors = {1, 2, 3};
  EXPECT_THROW(make_rope(c, 64, 0), Error);
  c.freq_factors.assign(32, 2.0f);
  EXPECT_EQ(make_rope(c, 64, 0).inv_freq[0], 0.5);
}

// One layer of attention without rotation; slopes as the test says.
std::vector<float> test_slopes;

Val unrotated(Ops& ops, Model& m) {
  const ModelConfig& c = m.config();
  const Val x = ops.embed(m.weight("token_embd.weight", c.vocab, c.width), 1.0f), h = rms(ops, m, x, "blk.0.attn_norm");
  AttendArgs a;
  a.q = project(ops, h, m.linear("blk.0.attn_q", c.heads * c.head_dim, c.width));
  a.k = project(ops, h, m.linear("blk.0.attn_k", c.kv_heads * c.head_dim, c.width));
  a.v = project(ops, h, m.linear("blk.0.attn_v", c.kv_heads * c.head_dim, c.width));
  a.out_cols = c.heads * c.head_dim;
  a.spec.heads = static_cast<int>(c.heads);
  a.spec.scale = 0.25f;
  a.spec.alibi_slopes = test_slopes.empty() ? nullptr : test_slopes.data();
  return head(ops, m, ops.add(x, project(ops, ops.attend(a), m.linear("blk.0.attn_output", c.width, a.out_cols))));
}
const RegisterFamily kUnrotated("unrotated", unrotated);

// The llama golden's weights under the family above.
class Unrotated : public testing::Test {
 protected:
  Unrotated() {
    const std::string from = testkit::golden("families/llama");
    std::filesystem::create_directories(path_);
    PositionJson config = PositionJson::parse(std::ifstream(from + "/config.json"));
    config["model_type"] = "unrotated";
    std::ofstream(path_ + "/config.json") << config.dump();
    std::filesystem::copy_file(from + "/model.safetensors", path_ + "/model.safetensors",
                               std::filesystem::copy_options::overwrite_existing);
  }
  ~Unrotated() override { std::filesystem::remove_all(path_); }

  // Logits after the last id.
  std::vector<float> last(const std::vector<int32_t>& ids, const std::vector<float>& slopes) {
    test_slopes = slopes;
    auto model = Model::open(path_);
    const auto all = testkit::Pass(*model, {Compute::kF32, "f32"}).chunks(ids, ids.size());
    return {all.end() - model->config().vocab, all.end()};
  }
  static double distance(const std::vector<float>& a, const std::vector<float>& b) {
    double most = 0;
    for (size_t i = 0; i < a.size(); ++i)
      most = std::max(most, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    return most;
  }
  const std::string path_ =
      (std::filesystem::temp_directory_path() / fmt::format("frugal_unrotated_{}", getpid())).string();
};

TEST_F(Unrotated, WithoutPositionsTheOrderOfWhatCameBeforeDoesNotMatter) {
  EXPECT_LT(distance(last({7, 90, 33, 12, 5}, {}), last({12, 33, 7, 90, 5}, {})), 1e-4);
  EXPECT_GT(distance(last({7, 90, 33, 12, 5}, {}), last({7, 90, 33, 13, 5}, {})), 1e-2);
}

TEST_F(Unrotated, SlopesFavourWhatIsNear) {
  const std::vector<int32_t> ids = {7, 90, 33, 12, 5}, other = {12, 33, 7, 90, 5};
  const std::vector<float> slopes = alibi_slopes(4);
  EXPECT_GT(distance(last(ids, slopes), last(other, slopes)), 1e-2);
  EXPECT_LT(distance(last(ids, {0, 0, 0, 0}), last(ids, {})), 1e-5);
  EXPECT_LT(distance(last(ids, {1e4, 1e4, 1e4, 1e4}), last({5}, {})), 1e-4);  // so steep that a token sees itself alone
}

}  // namespace
}  // namespace frugal
