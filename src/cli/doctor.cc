// frugal doctor: what this machine offers. frugal models: what is installed.
#include <sys/utsname.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/locations.h"
#include "cli/verb.h"
#include "measure/speed.h"
#include "ops/device.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}

int64_t memory_bytes() {
  std::ifstream in("/proc/meminfo");
  std::string key;
  int64_t kib = 0;
  in >> key >> kib;
  return kib * 1024;
}

Json machine(int threads) {
  ThreadTeam team(threads);
  const MachinePeak peak = measure_machine(team);
  std::string tables;
  for (const KernelTable* t : kernel_tables()) tables += (tables.empty() ? "" : " ") + std::string(t->name);
  Json j;
  j["cpu"] = cpu_name();
  j["threads"] = team.size();
  j["memory_bytes"] = memory_bytes();
  j["kernels"] = kernels().name;
  j["kernels_available"] = tables;
  j["read_gb_s"] = peak.read_bytes_s * 1e-9;
  j["int8_gop_s"] = peak.int8_op_s * 1e-9;
  j["bf16_gflop_s"] = peak.bf16_op_s * 1e-9;
  j["f32_gflop_s"] = peak.f32_op_s * 1e-9;
  const CudaDevice& gpu = cuda_device();
  j["gpu"] = gpu.available ? gpu.name : gpu.reason;
  if (gpu.available) j["gpu_memory_bytes"] = gpu.memory_bytes;
  return j;
}

std::function<int()> set_up_doctor(CLI::App& app) {
  auto format = std::make_shared<TableFormat>();
  auto threads = std::make_shared<int>(0);
  format->add(app);
  app.add_option("-t,--threads", *threads, "threads; 0 takes every core this process may use")
      ->check(CLI::Range(0, 1024));
  return [=] {
    const Json j = machine(*threads);
    if (format->is_json()) {
      std::cout << j.dump(1) << "\n";
      return 0;
    }
    Json rows = Json::array();
    for (const auto& [key, value] : j.items()) rows.push_back({{"what", key}, {"found", value}});
    format->print(rows);
    return 0;
  };
}

std::function<int()> set_up_models(CLI::App& app) {
  auto format = std::make_shared<TableFormat>();
  format->add(app);
  return [=] {
    Json rows = Json::array();
    for (const KnownModel& m : known_models()) {
      std::string path;
      for (const std::string& folder : model_folders())
        if (path.empty() && std::filesystem::exists(folder + "/" + m.file)) path = folder + "/" + m.file;
      Json row = {{"name", m.name}, {"path", path.empty() ? "not installed" : path}};
      row["bytes"] = path.empty() ? Json() : Json(std::filesystem::file_size(path));
      row["about"] = m.about;
      rows.push_back(row);
    }
    format->print(rows);
    return 0;
  };
}

const RegisterVerb kDoctor({"doctor", "what this machine offers: kernels, bandwidth, operations a second, GPU",
                            "  frugal doctor\n  frugal doctor --json -t 1", set_up_doctor});
const RegisterVerb kModels({"models", "short names that stand for model files, and where they are",
                            "  frugal models\n  frugal models --json", set_up_models});

}  // namespace
}  // namespace frugal
