#include "model/model.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "model/positions.h"

namespace frugal {
namespace {

std::map<std::string, FamilyBuilder>& families() {
  static std::map<std::string, FamilyBuilder> map;
  return map;
}

// Rows that a Program is made for: few sizes, so that few are ever recorded.
int bucket(int n) {
  for (int size : {1, 4, 16, 64, 128, 256, 512})
    if (n <= size) return size;
  return (n + 511) / 512 * 512;
}

}  // namespace

void register_family(const std::string& name, FamilyBuilder builder) { families()[name] = builder; }

std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (const auto& [name, builder] : families()) names.push_back(name);
  return names;
}

std::unique_ptr<Model> Model::open(const std::string& path) {
  Checkpoint file = Checkpoint::open(path);
  ModelConfig config = read_model_config(file);
  return std::unique_ptr<Model>(new Model(std::move(file), std::move(config)));
}

Model::Model(Checkpoint file, ModelConfig config) : file_(std::move(file)), config_(std::move(config)) {
  auto it = families().find(config_.family);
  if (it == families().end()) {
    std::string known;
    for (const std::string& name : family_names()) known += (known.empty() ? "" : ", ") + name;
    fail(ErrorCode::kUnsupported, "model", "{} is of family '{}'; known are {}", file_.path, config_.family, known);
  }
  family_ = it->second;
  set_context(config_.context);
  if (config_.position.kind == "alibi") slopes_ = alibi_slopes(config_.heads);
}

void Model::set_context(int64_t tokens) {
  config_.context = tokens;
  if (config_.position.kind != "rope") return;
  rope_ = make_rope(config_.position, config_.head_dim, tokens);
  if (config_.local_position) local_rope_ = make_rope(*config_.local_position, config_.head_dim, tokens);
}

const RopeTable* Model::rope(bool local) const {
  if (config_.position.kind != "rope") return nullptr;
  return local && config_.local_position ? &local_rope_ : &rope_;
}

bool Model::has(const std::string& name) const {
  return file_.find(file_name_of(name, config_, file_.format)) != nullptr;
}

Weight& Model::weight(const std::string& name, int64_t rows, int64_t cols) {
  std::unique_ptr<Weight>& w = weights_[name];
  if (w == nullptr) {
    const TensorView& t = file_.at(file_name_of(name, config_, file_.format));
    if (t.rows() != rows || t.cols() != cols)
      fail(ErrorCode::kBadInput, "model", "tensor {} has shape {} x {}, expected {} x {}", t.name, t.rows(), t.cols(), rows, cols);
    w = std::make_unique<Weight>(t, &changes_);
  }
  return *w;
}

Linear& Model::linear(const std::string& name, int64_t rows, int64_t cols, bool with_bias) {
  std::unique_ptr<Linear>& l = linears_[name];
  if (l == nullptr) {
    Linear made;
    made.weight = &weight(name + ".weight", rows, cols);
    if (with_bias) made.bias = &weight(name + ".bias", 1, rows);
    l = std::make_unique<Linear>(made);
  }
  return *l;
}

std::vector<KvShape> Model::kv_shapes() const {
  const KvShape shape{static_cast<int>(config_.kv_heads), static_cast<int>(config_.head_dim), static_cast<int>(config_.head_dim)};
  return std::vector<KvShape>(static_cast<size_t>(config_.layers), shape);
}

Val Model::build(Ops& ops) { return family_(ops, *this); }

Program& Model::program(ThreadTeam& team, Compute compute, int rows, int wanted, const KernelTable& table) {
  if (changes_ != std::exchange(recorded_changes_, changes_)) forget_programs();
  const Key key{bucket(rows), std::min(bucket(wanted), bucket(rows)), compute, &table, team.size()};
  std::unique_ptr<Program>& p = programs_[key];
  if (p == nullptr) {
    Recorder recorder({key.rows, key.wanted, compute, &table, &team});
    p = recorder.finish(build(recorder));
    for (const auto& [name, w] : weights_)
      if (w->is_packed()) file_.drop(w->source());
  }
  return *p;
}

size_t Model::packed_bytes() const {
  size_t total = 0;
  for (const auto& [name, w] : weights_)
    if (w->is_packed()) total += w->packed().panel_bytes * static_cast<size_t>(w->packed().panels());
  return total;
}

}  // namespace frugal
