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
  auto store = std::make_shared<Store>();
  store->file = std::move(file);
  return std::unique_ptr<Model>(new Model(std::move(store), std::move(config)));
}

std::unique_ptr<Model> Model::first_layers(int64_t n) const {
  if (n < 1 || n > config_.layers)
    fail(ErrorCode::kUsage, "model", "found the first {} layers, expected 1 to {}", n, config_.layers);
  ModelConfig config = config_;
  config.layers = n;
  return std::unique_ptr<Model>(new Model(store_, std::move(config)));
}

Model::Model(std::shared_ptr<Store> store, ModelConfig config) : store_(std::move(store)), config_(std::move(config)) {
  auto it = families().find(config_.family);
  if (it == families().end()) {
    std::string known;
    for (const std::string& name : family_names()) known += (known.empty() ? "" : ", ") + name;
    fail(ErrorCode::kUnsupported, "model", "{} is of family '{}'; known are {}", file().path, config_.family, known);
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
  return file().find(file_name_of(name, config_, file().format)) != nullptr;
}

Weight& Model::weight(const std::string& name, int64_t rows, int64_t cols) {
  std::unique_ptr<Weight>& w = store_->weights[name];
  if (w == nullptr) {
    const TensorView& t = file().at(file_name_of(name, config_, file().format));
    if (t.rows() != rows || t.cols() != cols)
      fail(ErrorCode::kBadInput, "model", "tensor {} has shape {} x {}, expected {} x {}", t.name, t.rows(), t.cols(),
           rows, cols);
    w = std::make_unique<Weight>(t, &store_->changes, &store_->file);
  }
  return *w;
}

Linear& Model::linear(const std::string& name, int64_t rows, int64_t cols, bool with_bias) {
  std::unique_ptr<Linear>& l = store_->linears[name];
  if (l == nullptr) {
    Linear made;
    made.weight = &weight(name + ".weight", rows, cols);
    if (with_bias) made.bias = &weight(name + ".bias", 1, rows);
    l = std::make_unique<Linear>(made);
  }
  return *l;
}

std::vector<KvShape> Model::kv_shapes() const {
  const KvShape shape{static_cast<int>(config_.kv_heads), static_cast<int>(config_.head_dim),
                      static_cast<int>(config_.head_dim)};
  std::vector<KvShape> shapes(static_cast<size_t>(config_.layers), shape);
  for (size_t l = 0; l < shapes.size(); ++l)
    if (config_.layer_is_local.empty() || config_.layer_is_local[l]) shapes[l].window = config_.window;
  return shapes;
}

Val Model::build(Ops& ops) { return family_(ops, *this); }

Program& Programs::get(ThreadTeam& team, Compute compute, int rows, int wanted, const KernelTable& table) {
  if (model_.changes() != std::exchange(recorded_changes_, model_.changes())) programs_.clear();
  const Key key{bucket(rows), std::min(bucket(wanted), bucket(rows)), compute, &table, team.size()};
  std::unique_ptr<Program>& p = programs_[key];
  if (p == nullptr) {
    Recorder recorder({key.rows, key.wanted, compute, &table, &team});
    p = recorder.finish(model_.build(recorder));
  }
  return *p;
}

size_t Model::packed_bytes() const {
  size_t total = 0;
  for (const auto& [name, w] : store_->weights)
    if (w->is_packed()) total += w->packed().panel_bytes * static_cast<size_t>(w->packed().panels());
  return total;
}

}  // namespace frugal
