#include "io/convert_plan.h"

#include <map>

#include "base/error.h"
#include "io/model_metadata.h"
#include "io/quant_mix.h"

namespace frugal {
namespace {

bool is_float(DType t) { return t == DType::kF32 || t == DType::kF16 || t == DType::kBF16 || is_quantised(t); }

[[noreturn]] void unplaced(const Checkpoint& in, const std::string& name, const ModelConfig& c,
                           const std::string& format) {
  fail(ErrorCode::kUnsupported, "convert", "{}: tensor {} has no place in a {} model of the {} format", in.path, name,
       c.family, format);
}

// "blk.3.ffn_up.7.weight" -> "blk.3.ffn_up_exps.weight" and 7; empty when it is no expert's.
std::pair<std::string, size_t> stack_of(const std::string& name) {
  if (!name.starts_with("blk.") || !name.ends_with(".weight")) return {};
  const size_t last = name.size() - 7, dot = name.rfind('.', last - 1);
  const std::string number = name.substr(dot + 1, last - dot - 1);
  if (number.empty() || number.size() > 4 || number.find_first_not_of("0123456789") != std::string::npos) return {};
  return {name.substr(0, dot) + "_exps.weight", std::stoul(number)};
}

class Planner {
 public:
  Planner(const Checkpoint& in, const ModelConfig& config, const std::string& format)
      : in_(in), c_(config), to_gguf_(format == "gguf"), format_(format) {}

  std::vector<TensorJob> run() {
    for (const TensorView& t : in_.tensors) to_gguf_ ? add_to_gguf(t) : add_to_hugging_face(t);
    if (to_gguf_) add_divisors();
    return std::move(jobs_);
  }

 private:
  TensorJob& add(const std::string& name, const TensorView& source, const std::string& engine_name) {
    TensorJob& job = jobs_.emplace_back();
    job.out = {name, source.dtype, source.shape, nullptr, 0};
    job.sources = {source};
    const bool is_q = engine_name.find(".attn_q.") != std::string::npos,
               is_k = engine_name.find(".attn_k.") != std::string::npos;
    if ((c_.family == "llama" || c_.family == "mixtral") && c_.position.kind == "rope" && (is_q || is_k)) {
      job.heads = is_q ? c_.heads : c_.kv_heads;
      job.to_neighbours = to_gguf_;
      if (job.rows() != job.heads * c_.head_dim)
        fail(ErrorCode::kBadInput, "convert", "{}: {} has {} rows, expected {} heads of {}", in_.path, source.name,
             job.rows(), job.heads, c_.head_dim);
    }
    if (c_.family == "gemma3" && engine_name.ends_with("norm.weight")) job.shift = to_gguf_ ? 1.0f : -1.0f;
    return job;
  }

  void add_to_gguf(const TensorView& t) {
    const std::string name = engine_name_of(t.name, c_, "safetensors");
    if (t.name.ends_with("rotary_emb.inv_freq") || (name == "output.weight" && c_.tied_embeddings)) return;
    if (name.empty()) unplaced(in_, t.name, c_, format_);
    const auto [stack, expert] = stack_of(name);
    if (stack.empty()) {
      add(name, t, name);
    } else {
      add_expert(stack, expert, t);
    }
  }

  void add_expert(const std::string& stack, size_t expert, const TensorView& t) {
    const size_t experts = static_cast<size_t>(c_.experts);
    auto [at, fresh] = stacks_.try_emplace(stack, jobs_.size());
    if (fresh) {
      TensorJob& job = add(stack, t, stack);
      job.out.shape.insert(job.out.shape.begin(), c_.experts);
      job.sources.resize(experts);
    }
    TensorJob& job = jobs_[at->second];
    if (expert >= experts || t.elements() * c_.experts != job.out.elements() || t.cols() != job.out.cols())
      fail(ErrorCode::kBadInput, "convert", "{}: {} does not fit beside the other experts", in_.path, t.name);
    job.sources[expert] = t;
  }

  void add_to_hugging_face(const TensorView& t) {
    if (t.name == "rope_freqs.weight") return;  // config.json says it
    if (t.name.ends_with("_exps.weight") && t.shape.size() == 3) {
      const std::string stem = t.name.substr(0, t.name.size() - 12);
      for (int64_t e = 0; e < t.shape[0]; ++e) add_renamed(in_.at(fmt::format("{}.{}.weight", stem, e)));
    } else {
      add_renamed(t);
    }
  }

  void add_renamed(const TensorView& t) {
    const std::string name = file_name_of(t.name, c_, "safetensors");
    if (name == t.name) unplaced(in_, t.name, c_, "Hugging Face");
    add(name, t, t.name);
  }

  // Llama-3's scaling is a tensor in GGUF.
  void add_divisors() {
    std::vector<float> divisors = rope_divisors(c_);
    if (divisors.empty()) return;
    TensorJob& job = jobs_.emplace_back();
    job.out = {"rope_freqs.weight", DType::kF32, {static_cast<int64_t>(divisors.size())}, nullptr, 0};
    job.values = std::move(divisors);
  }

  const Checkpoint& in_;
  const ModelConfig& c_;
  const bool to_gguf_;
  const std::string& format_;
  std::vector<TensorJob> jobs_;
  std::map<std::string, size_t> stacks_;
};

std::vector<TensorJob> as_they_are(const Checkpoint& in) {
  std::vector<TensorJob> jobs;
  for (const TensorView& t : in.tensors) {
    jobs.emplace_back().out = {t.name, t.dtype, t.shape, nullptr, 0};
    jobs.back().sources = {t};
  }
  return jobs;
}

// GGUF's types: what the mix says, or, without one, those of the matrices kept and the rest f32.
void choose_gguf_types(std::vector<TensorJob>& jobs, const ModelConfig* config, bool from_gguf,
                       const std::string& type) {
  if (type.empty() && from_gguf) return;
  const QuantMix& mix = find_mix(type.empty() ? "f16" : type);
  const MixContext context = config != nullptr ? mix_context(*config) : MixContext();
  for (TensorJob& job : jobs) {
    TensorView t = job.out;
    if (!is_float(t.dtype)) continue;
    if (!from_gguf) t.dtype = DType::kF32;
    const DType chosen = mixed_type(mix, t, context);
    if (!type.empty() || chosen != DType::kF16) job.out.dtype = chosen;
  }
}

void check_experts(const Checkpoint& in, const std::vector<TensorJob>& jobs) {
  for (const TensorJob& job : jobs)
    for (size_t e = 0; e < job.sources.size(); ++e)
      if (job.sources[e].name.empty())
        fail(ErrorCode::kBadInput, "convert", "{}: expert {} of {} is missing", in.path, e, job.out.name);
}

}  // namespace

int64_t TensorJob::source_row(int64_t row) const {
  if (heads == 0) return row;
  // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): add() takes heads of head_dim rows, which is 2 or more
  const int64_t size = rows() / heads, half = size / 2, at = row % size;
  return row - at + (to_neighbours ? at / 2 + at % 2 * half : at % half * 2 + at / half);
}

DType safetensors_type(const Checkpoint& in, const std::string& type) {
  if (!type.empty()) {
    const DTypeInfo* wanted = find_dtype(type);
    if (wanted == nullptr || !is_float(wanted->dtype) || is_quantised(wanted->dtype))
      fail(ErrorCode::kUsage, "convert", "safetensors hold no '{}'; expected f32, f16 or bf16", type);
    return wanted->dtype;
  }
  const TensorView* embedding = in.find(in.format == "gguf" ? "token_embd.weight" : "model.embed_tokens.weight");
  return embedding == nullptr || is_quantised(embedding->dtype) || !is_float(embedding->dtype) ? DType::kF16
                                                                                               : embedding->dtype;
}

std::vector<TensorJob> plan_conversion(const Checkpoint& in, const ModelConfig* config, const std::string& format,
                                       const std::string& type) {
  const bool crossing = in.format != format;
  std::vector<TensorJob> jobs = crossing && config != nullptr ? Planner(in, *config, format).run() : as_they_are(in);
  check_experts(in, jobs);
  if (format == "gguf") {
    choose_gguf_types(jobs, config, !crossing, type);
  } else if (crossing || !type.empty()) {
    const DType all = safetensors_type(in, type);
    for (TensorJob& job : jobs)
      if (is_float(job.out.dtype)) job.out.dtype = all;
  }
  for (TensorJob& job : jobs)
    job.out.bytes = static_cast<size_t>(job.out.rows()) * row_bytes(job.out.dtype, job.out.cols());
  return jobs;
}

}  // namespace frugal
