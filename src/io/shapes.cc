#include "io/shapes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "base/blocks.h"
#include "base/edit_distance.h"
#include "base/error.h"
#include "base/rng.h"
#include "io/model_metadata.h"
#include "io/quant_mix.h"

namespace frugal {
namespace {

struct Shape {
  const char* name;
  int64_t layers, width, heads, kv_heads, head_dim, ff_width, vocab, context;
  bool tied;
  double theta, llama3_factor;  // 0: no rotary scaling
};
constexpr Shape kShapes[] = {
    {"smollm2-135m", 30, 576, 9, 3, 64, 1536, 49152, 8192, true, 1e5, 0},
    {"llama-3.2-1b", 16, 2048, 32, 8, 64, 8192, 128256, 131072, true, 5e5, 32},
    {"llama-3.1-8b", 32, 4096, 32, 8, 128, 14336, 128256, 131072, false, 5e5, 8},
};

const Shape& find_shape(const std::string& name) {
  for (const Shape& s : kShapes)
    if (name == s.name) return s;
  fail(ErrorCode::kUsage, "shapes", "there is no shape '{}'{}; known are {}", name, hint(name, shape_names()),
       fmt::join(shape_names(), ", "));
}

// Every tensor of the model, in the order of other writers; types are those of the mix.
std::vector<TensorView> tensors_of(const ModelConfig& c, const QuantMix& mix) {
  std::vector<TensorView> list;
  auto add = [&](const std::string& name, std::vector<int64_t> shape) {
    TensorView t{name, DType::kF32, std::move(shape), nullptr, 0};
    t.dtype = mixed_type(mix, t, mix_context(c));
    t.bytes = static_cast<size_t>(t.rows()) * row_bytes(t.dtype, t.cols());
    list.push_back(std::move(t));
  };
  const int64_t q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  if (!rope_divisors(c).empty()) add("rope_freqs.weight", {c.head_dim / 2});
  add("token_embd.weight", {c.vocab, c.width});
  add("output_norm.weight", {c.width});
  if (!c.tied_embeddings) add("output.weight", {c.vocab, c.width});
  for (int64_t l = 0; l < c.layers; ++l) {
    const std::string block = fmt::format("blk.{}.", l);
    add(block + "attn_norm.weight", {c.width});
    add(block + "attn_q.weight", {q, c.width});
    add(block + "attn_k.weight", {kv, c.width});
    add(block + "attn_v.weight", {kv, c.width});
    add(block + "attn_output.weight", {c.width, q});
    add(block + "ffn_norm.weight", {c.width});
    add(block + "ffn_gate.weight", {c.ff_width, c.width});
    add(block + "ffn_up.weight", {c.ff_width, c.width});
    add(block + "ffn_down.weight", {c.width, c.ff_width});
  }
  return list;
}

// A run of normal values in the form of dtype: a prime number of blocks.
std::vector<std::byte> random_run(DType dtype, uint64_t seed) {
  const int64_t blocks = info(dtype).block == 256 ? 4099 : info(dtype).block == 32 ? 32771 : 1048583;
  std::vector<float> values(static_cast<size_t>(blocks * info(dtype).block));
  Stream random(seed, static_cast<uint64_t>(dtype), Purpose::kInit);
  for (float& v : values) {
    const float radius = std::sqrt(-2.0f * std::log(1.0f - random.uniform()));
    v = 0.02f * radius * std::cos(2.0f * std::numbers::pi_v<float> * random.uniform());
  }
  std::vector<std::byte> run(row_bytes(dtype, static_cast<int64_t>(values.size())));
  quantise_row(dtype, values.data(), run.data(), static_cast<int64_t>(values.size()));
  return run;
}

class RandomWeights {
 public:
  explicit RandomWeights(uint64_t seed) : seed_(seed) {}

  // Tensor number i begins i * 997 blocks into the run.
  void write(CheckpointWriter& out, const TensorView& t, size_t number) {
    std::vector<std::byte>& run = runs_[t.dtype];
    if (run.empty()) run = random_run(t.dtype, seed_);
    size_t at = number * 997 * static_cast<size_t>(info(t.dtype).bytes) % run.size();
    for (size_t left = t.bytes; left > 0;) {
      const size_t step = std::min(left, run.size() - at);
      out.write(run.data() + at, step);
      left -= step;
      at = 0;
    }
  }

 private:
  uint64_t seed_;
  std::map<DType, std::vector<std::byte>> runs_;
};

nlohmann::ordered_json metadata_of(const ModelConfig& c, const QuantMix& mix) {
  nlohmann::ordered_json m = gguf_metadata(c);
  m["general.file_type"] = static_cast<uint64_t>(mix.file_type);
  m["general.quantization_version"] = uint64_t{2};
  m["tokenizer.ggml.model"] = "none";
  return m;
}

}  // namespace

std::vector<std::string> shape_names() {
  std::vector<std::string> names;
  for (const Shape& s : kShapes) names.emplace_back(s.name);
  return names;
}

ModelConfig shape_config(const std::string& name) {
  const Shape& s = find_shape(name);
  ModelConfig c;
  c.family = "llama";
  c.name = fmt::format("{} with random weights", s.name);
  c.layers = s.layers;
  c.width = s.width;
  c.heads = s.heads;
  c.kv_heads = s.kv_heads;
  c.head_dim = s.head_dim;
  c.ff_width = s.ff_width;
  c.vocab = s.vocab;
  c.context = s.context;
  c.tied_embeddings = s.tied;
  c.position.theta = s.theta;
  if (s.llama3_factor == 0) return c;
  c.position.scaling = "llama3";
  c.position.factor = s.llama3_factor;
  c.position.original_context = 8192;
  return c;
}

int64_t random_model_bytes(const std::string& shape, const std::string& type) {
  int64_t sum = 0;
  for (const TensorView& t : tensors_of(shape_config(shape), find_mix(type))) sum += static_cast<int64_t>(t.bytes);
  return sum;
}

int64_t write_random_model(const std::string& shape, const std::string& type, const std::string& path, uint64_t seed,
                           const std::function<void(int64_t)>& progress) {
  const ModelConfig c = shape_config(shape);
  const QuantMix& mix = find_mix(type);
  const std::vector<TensorView> tensors = tensors_of(c, mix);
  const std::vector<float> divisors = rope_divisors(c), ones(static_cast<size_t>(c.width), 1.0f);
  const std::unique_ptr<CheckpointWriter> out = CheckpointWriter::create(path);
  for (const TensorView& t : tensors) out->declare(t.name, t.dtype, t.shape);
  out->begin(metadata_of(c, mix));
  RandomWeights weights(seed);
  int64_t written = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorView& t = tensors[i];
    if (t.shape.size() == 1)
      out->write(t.name == "rope_freqs.weight" ? divisors.data() : ones.data(), t.bytes);
    else
      weights.write(*out, t, i);
    written += static_cast<int64_t>(t.bytes);
    if (progress) progress(static_cast<int64_t>(t.bytes));
  }
  out->finish();
  return written;
}

}  // namespace frugal
