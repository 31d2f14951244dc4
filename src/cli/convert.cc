// frugal convert: checkpoints between GGUF and safetensors, quantised or not, and random models of known shapes.
#include <fmt/format.h>

#include <iostream>

#include "base/progress.h"
#include "base/threads.h"
#include "cli/verb.h"
#include "io/convert.h"
#include "io/quant_mix.h"
#include "io/shapes.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::string in, out, type;
  int threads = 0;
  uint64_t seed = 0;
  bool json = false;
};

constexpr std::string_view kShape = "shape:";

std::string type_names() {
  std::string names;
  for (const QuantMix& m : all_mixes()) names += (names.empty() ? "" : ", ") + std::string(m.name);
  return names;
}

Json random_model(const Flags& f) {
  const std::string shape = f.in.substr(kShape.size()), type = f.type.empty() ? "f16" : f.type;
  Progress progress(stderr_progress(), "writing", random_model_bytes(shape, type));
  const int64_t bytes = write_random_model(shape, type, f.out, f.seed, [&](int64_t n) { progress.add(n); });
  return {{"tensors", Checkpoint::open(f.out).tensors.size()}, {"bytes_in", 0}, {"bytes_out", bytes}};
}

Json converted(const Flags& f) {
  const Checkpoint in = Checkpoint::open(model_path(f.in));
  Progress progress(stderr_progress(), "converting", 0);
  const ConvertReport r = convert(in, f.out, {f.type, f.threads, [&](int64_t n) { progress.add(n); }});
  return {{"tensors", r.tensors}, {"bytes_in", r.bytes_in}, {"bytes_out", r.bytes_out}, {"types", r.types}};
}

void print(const Json& j, const Flags& f) {
  if (f.json) {
    std::cout << j.dump(1) << "\n";
    return;
  }
  std::cout << fmt::format("{}: {} tensors, {:.1f} MiB", f.out, j["tensors"].get<int64_t>(),
                           j["bytes_out"].get<double>() / (1 << 20));
  if (const double in = j["bytes_in"].get<double>(); in > 0)
    std::cout << fmt::format(" from {:.1f} MiB", in / (1 << 20));
  if (j.contains("types"))
    for (const auto& [type, count] : j["types"].items())
      std::cout << fmt::format(", {} {}", count.get<int64_t>(), type);
  std::cout << "\n";
}

std::function<int()> set_up(CLI::App& app) {
  auto f = std::make_shared<Flags>();
  app.add_option("IN", f->in, "a GGUF file, a Hugging Face directory, a short name, or shape:NAME for random weights")
      ->required();
  app.add_option("OUT", f->out, "ends in .gguf or .safetensors; any other name is a Hugging Face directory")
      ->required();
  app.add_option("--type", f->type, "one of " + type_names() + "; default: as they are, f16 where the format has none");
  app.add_option("-t,--threads", f->threads, "threads; 0 takes every core this process may use")
      ->check(CLI::Range(0, 1024));
  app.add_option("--seed", f->seed, "of random weights");
  app.add_flag("--json", f->json, "one JSON document");
  return [f] {
    print(f->in.starts_with(kShape) ? random_model(*f) : converted(*f), *f);
    return 0;
  };
}

const RegisterVerb kConvert({"convert",
                             "between GGUF and safetensors, with quantisation; random models of known shapes",
                             "  frugal convert model.gguf model-q8.gguf --type q8_0\n"
                             "  frugal convert model.gguf hf-model/ --type f32\n"
                             "  frugal convert hf-model/ model.gguf --type q4_k_m\n"
                             "  frugal convert shape:llama-3.2-1b random.gguf --type q4_0",
                             set_up});

}  // namespace
}  // namespace frugal
