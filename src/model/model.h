// A model: its file, configuration and weights, the family that knows how they connect, and the Programs made of it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/checkpoint.h"
#include "io/model_config.h"
#include "model/batch.h"
#include "model/ops.h"
#include "model/recorder.h"

namespace frugal {

class Model;

// Builds the forward on ops and returns the logits of the wanted rows.
using FamilyBuilder = Val (*)(Ops& ops, Model& model);
void register_family(const std::string& name, FamilyBuilder builder);
struct RegisterFamily {
  RegisterFamily(const char* name, FamilyBuilder builder) { register_family(name, builder); }
};
std::vector<std::string> family_names();

class Model {
 public:
  // Opens a GGUF file or Hugging Face directory. Throws Error when a tensor is missing or has the wrong shape.
  static std::unique_ptr<Model> open(const std::string& path);
  // The same model ending after its first n layers, with its own final norm and head; the weights are shared and stay
  // while either model lives. Throws Error(kUsage) unless n is in [1, layers].
  std::unique_ptr<Model> first_layers(int64_t n) const;

  const ModelConfig& config() const { return config_; }
  const Checkpoint& file() const { return store_->file; }

  // By engine name, e.g. "blk.3.attn_q.weight"; shape checked: rows x cols (rows 1 for vectors). Throws Error.
  Weight& weight(const std::string& name, int64_t rows, int64_t cols);
  // The projection "<name>.weight" with "<name>.bias" if with_bias.
  Linear& linear(const std::string& name, int64_t rows, int64_t cols, bool with_bias = false);
  bool has(const std::string& name) const;
  const RopeTable* rope(bool local = false) const;  // nullptr when positions are not rotary
  const float* slopes() const { return slopes_.empty() ? nullptr : slopes_.data(); }
  std::vector<KvShape> kv_shapes() const;

  // So many tokens are served at most (config().context): frequencies that depend on it (dynamic NTK) follow. For
  // caches that are empty: see positions.h.
  void set_context(int64_t tokens);

  Val build(Ops& ops);

  // Grows whenever a weight was replaced or restored: Programs recorded before are stale.
  uint64_t changes() const { return store_->changes; }
  // ... and, because nothing else tells, to be called after adapters were attached to a Linear or taken off.
  void forget_programs() { ++store_->changes; }

  size_t packed_bytes() const;

 private:
  struct Store {
    Checkpoint file;
    std::map<std::string, std::unique_ptr<Weight>> weights;
    std::map<std::string, std::unique_ptr<Linear>> linears;
    uint64_t changes = 0;
  };
  Model(std::shared_ptr<Store> store, ModelConfig config);

  std::shared_ptr<Store> store_;
  ModelConfig config_;
  FamilyBuilder family_ = nullptr;
  RopeTable rope_, local_rope_;
  std::vector<float> slopes_;
};

// The Programs of one model that one user runs, found by row bucket and recorded on first use. Their buffers hold the
// last step's logits: who must keep those while another forwards has Programs of its own.
class Programs {
 public:
  explicit Programs(Model& model) : model_(model) {}
  // For steps of at most rows rows and wanted logits. Packs weights when it is the first. All are recorded anew after
  // a weight changed: between forwards only.
  Program& get(ThreadTeam& team, Compute compute, int rows, int wanted, const KernelTable& table = kernels());

 private:
  struct Key {
    int rows, wanted;
    Compute compute;
    const KernelTable* table;
    int threads;
    auto operator<=>(const Key&) const = default;
  };
  Model& model_;
  std::map<Key, std::unique_ptr<Program>> programs_;
  uint64_t recorded_changes_ = 0;
};

}  // namespace frugal
