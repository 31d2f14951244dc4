#include "io/convert.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/blocks.h"
#include "base/error.h"
#include "base/threads.h"
#include "io/convert_plan.h"
#include "io/gguf_tokenizer.h"
#include "io/hf_directory.h"
#include "io/model_metadata.h"
#include "io/quant_mix.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// Bytes of output that each thread makes before they are written: enough to forget the cost of handing out work.
constexpr size_t kPiece = 4 << 20;

bool unchanged(const TensorJob& job) {
  return job.sources.size() == 1 && job.sources[0].dtype == job.out.dtype && job.heads == 0 && job.shift == 0.0f;
}

// Rows [first, first + count) of job in their new form.
void make_rows(const TensorJob& job, int64_t first, int64_t count, std::byte* out) {
  const int64_t cols = job.cols(), rows_per_source = job.rows() / static_cast<int64_t>(job.sources.size());
  const size_t out_bytes = row_bytes(job.out.dtype, cols);
  std::vector<float> values(static_cast<size_t>(cols));
  for (int64_t r = first; r < first + count; ++r, out += out_bytes) {
    const int64_t at = job.source_row(r);
    // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): every source brings as many rows, and there is a row r
    const TensorView& source = job.sources[static_cast<size_t>(at / rows_per_source)];
    const std::byte* in = source.data + static_cast<size_t>(at % rows_per_source) * row_bytes(source.dtype, cols);
    if (source.dtype == job.out.dtype && job.shift == 0.0f) {
      std::memcpy(out, in, out_bytes);
      continue;
    }
    dequantise_row(source.dtype, in, values.data(), cols);
    for (float& v : values) v += job.shift;
    quantise_row(job.out.dtype, values.data(), out, cols);
  }
}

class Run {
 public:
  Run(const Checkpoint& in, const ConvertOptions& options)
      : in_(in), options_(options), team_(options.threads, false) {}

  ConvertReport write(const std::vector<TensorJob>& jobs, const Json& metadata, const std::string& path) {
    const std::unique_ptr<CheckpointWriter> out = CheckpointWriter::create(path);
    for (const TensorJob& job : jobs) {
      check(job);
      out->declare(job.out.name, job.out.dtype, job.out.shape);
    }
    out->begin(metadata);
    for (const TensorJob& job : jobs) write_tensor(job, *out);
    out->finish();
    return report_;
  }

 private:
  void check(const TensorJob& job) const {
    for (const TensorView& s : job.sources) {
      const bool computes = s.dtype != job.out.dtype || job.shift != 0.0f;
      const bool is_float =
          is_quantised(s.dtype) || s.dtype == DType::kF32 || s.dtype == DType::kF16 || s.dtype == DType::kBF16;
      if (computes && (!is_float || !can_quantise(job.out.dtype)))
        fail(ErrorCode::kUnsupported, "convert", "{}: tensor {} cannot go from {} to {}", in_.path, s.name,
             info(s.dtype).name, info(job.out.dtype).name);
    }
  }

  void write_tensor(const TensorJob& job, CheckpointWriter& out) {
    if (job.sources.empty()) {
      out.write(job.values.data(), job.out.bytes);
    } else if (unchanged(job)) {
      out.write(job.sources[0].data, job.out.bytes);
    } else {
      write_pieces(job, out);
    }
    for (const TensorView& s : job.sources) {
      in_.drop(s);
      report_.bytes_in += static_cast<int64_t>(s.bytes);
    }
    ++report_.tensors;
    ++report_.types[info(job.out.dtype).name];
    report_.bytes_out += static_cast<int64_t>(job.out.bytes);
    if (options_.progress && (job.sources.empty() || unchanged(job)))
      options_.progress(static_cast<int64_t>(job.out.bytes));
  }

  void write_pieces(const TensorJob& job, CheckpointWriter& out) {
    const size_t bytes_per_row = row_bytes(job.out.dtype, job.cols());
    const int64_t rows = job.rows(),
                  share = std::max<int64_t>(1, static_cast<int64_t>(kPiece / std::max<size_t>(1, bytes_per_row)));
    for (int64_t first = 0; first < rows; first += share * team_.size()) {
      const int64_t count = std::min(rows - first, share * team_.size());
      buffer_.resize(static_cast<size_t>(count) * bytes_per_row);
      team_.run([&](int thread, int threads) {
        const int64_t begin = count * thread / threads, end = count * (thread + 1) / threads;
        make_rows(job, first + begin, end - begin, buffer_.data() + static_cast<size_t>(begin) * bytes_per_row);
      });
      out.write(buffer_.data(), buffer_.size());
      if (options_.progress) options_.progress(static_cast<int64_t>(buffer_.size()));
    }
  }

  const Checkpoint& in_;
  const ConvertOptions& options_;
  ThreadTeam team_;
  ConvertReport report_;
  std::vector<std::byte> buffer_;
};

std::optional<ModelConfig> config_of(const Checkpoint& in) {
  const bool is_model =
      in.format == "gguf" ? in.metadata.contains("general.architecture") : fs::exists(folder_of(in) + "/config.json");
  return is_model ? std::optional(read_model_config(in)) : std::nullopt;
}

// general.file_type: the mix's number, or that of the type the matrices keep.
uint64_t file_type_of(const std::vector<TensorJob>& jobs, const std::string& type) {
  if (!type.empty()) return static_cast<uint64_t>(find_mix(type).file_type);
  for (const TensorJob& job : jobs)
    if (job.out.shape.size() >= 2) return static_cast<uint64_t>(find_mix(info(job.out.dtype).name).file_type);
  return 0;
}

bool has_tokenizer(const Checkpoint& in) {
  return fs::exists(folder_of(in) + "/tokenizer.json") || fs::exists(folder_of(in) + "/tokenizer.model");
}

Json gguf_metadata_for(const Checkpoint& in, const ModelConfig* config, const std::vector<TensorJob>& jobs,
                       const std::string& type) {
  Json m = in.metadata;
  if (in.format != "gguf" && config != nullptr) {
    m = gguf_metadata(*config);
    if (config->name.empty()) m["general.name"] = fs::path(folder_of(in)).lexically_normal().filename().string();
    m.update(has_tokenizer(in) ? gguf_tokenizer(read_tokenizer(in), *config) : Json{{"tokenizer.ggml.model", "none"}});
  }
  for (const char* key : {"split.no", "split.count", "split.tensors.count"}) m.erase(key);
  if (in.format == "gguf" && type.empty()) return m;
  m["general.file_type"] = file_type_of(jobs, type);
  m["general.quantization_version"] = uint64_t{2};
  return m;
}

}  // namespace

ConvertReport convert(const Checkpoint& in, const std::string& out, const ConvertOptions& options) {
  const std::string extension = fs::path(out).extension().string();
  const bool to_gguf = extension == ".gguf", to_folder = !to_gguf && extension != ".safetensors";
  const std::optional<ModelConfig> config = config_of(in);
  if (to_folder && !config)
    fail(ErrorCode::kBadInput, "convert",
         "{} has no model configuration; expected an output ending in .gguf or .safetensors", in.path);
  const ModelConfig* c = config ? &*config : nullptr;
  const std::vector<TensorJob> jobs = plan_conversion(in, c, to_gguf ? "gguf" : "safetensors", options.type);
  if (to_gguf) return Run(in, options).write(jobs, gguf_metadata_for(in, c, jobs, options.type), out);
  if (!to_folder) return Run(in, options).write(jobs, {{"format", "pt"}}, out);
  const HfFiles files =
      hugging_face_files(in, *config, safetensors_type(in, options.type));  // fails before the long work
  fs::create_directories(out);
  ConvertReport report = Run(in, options).write(jobs, {{"format", "pt"}}, out + "/model.safetensors");
  write_files(files, out);
  return report;
}

}  // namespace frugal
