// For tests: forwards of a model through its Program, with the cache, team and kernel table of one's choice.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/rng.h"
#include "model/model.h"

namespace frugal::testkit {

inline std::string golden(const std::string& name) { return std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/" + name; }

inline std::vector<int32_t> random_ids(const Model& model, int n, uint64_t seed) {
  Stream random = stream(seed, 5, Purpose::kTest);
  std::vector<int32_t> ids;
  for (int i = 0; i < n; ++i)
    ids.push_back(static_cast<int32_t>(random.bits() % static_cast<uint32_t>(model.config().vocab)));
  return ids;
}

struct PassOptions {
  Compute compute = Compute::kF32;
  std::string kv = "f16";
  int threads = 1;
  const KernelTable* table = nullptr;
};

// One way of running a model.
class Pass {
 public:
  struct Piece {
    KvSeq* seq;
    std::span<const int32_t> ids;
  };
  Pass(Model& model, const PassOptions& o) : model_(model), o_(o), team_(o.threads, false), programs_(model) {
    if (o_.table == nullptr) o_.table = &kernels();
    KvPoolOptions kv;
    kv.layers = model.kv_shapes();
    kv.spec = o.kv;
    kv.exact = o.compute == Compute::kF32;
    kv.table = o_.table;
    kv.max_rows = 4096;
    pool_ = make_kv_pool(kv);
  }
  std::unique_ptr<KvSeq> sequence() { return pool_->create(); }

  // Feeds all pieces in one packed batch and commits; the logits of every row, row by row.
  std::vector<float> forward(const std::vector<Piece>& pieces) {
    Batch b;
    int64_t longest = 0;
    for (const Piece& p : pieces) {
      const int n = static_cast<int>(p.ids.size());
      if (!p.seq->reserve(n)) return {};
      b.seqs.push_back({p.seq, b.rows(), n, {}});
      for (int i = 0; i < n; ++i) b.positions.push_back(static_cast<int32_t>(p.seq->length()) + i);
      b.ids.insert(b.ids.end(), p.ids.begin(), p.ids.end());
      longest = std::max(longest, p.seq->length() + n);
    }
    for (int i = 0; i < b.rows(); ++i) b.logit_rows.push_back(i);
    AttendSpec spec;
    spec.heads = static_cast<int>(model_.config().heads);
    const AlignedBuffer scratch(
        attend_scratch_bytes(*pool_, spec, b.rows(), static_cast<int>(pieces.size()), longest, team_.size()));
    Program& program = programs_.get(team_, o_.compute, b.rows(), b.rows(), *o_.table);
    program.run(team_, {&b, pool_.get(), {reinterpret_cast<std::byte*>(scratch.data()), scratch.size()}});
    for (const Piece& p : pieces) p.seq->commit(static_cast<int64_t>(p.ids.size()));
    return {program.logits(), program.logits() + static_cast<int64_t>(b.rows()) * model_.config().vocab};
  }

  // A sequence of its own in chunks.
  std::vector<float> chunks(std::span<const int32_t> ids, size_t chunk) {
    auto seq = sequence();
    std::vector<float> all;
    for (size_t at = 0; at < ids.size(); at += chunk) {
      const auto out = forward({{seq.get(), ids.subspan(at, std::min(chunk, ids.size() - at))}});
      all.insert(all.end(), out.begin(), out.end());
    }
    return all;
  }

 private:
  Model& model_;
  PassOptions o_;
  ThreadTeam team_;
  Programs programs_;
  std::unique_ptr<KvPool> pool_;
};

// A copy of a golden family's directory with its float32 matrices rounded to bfloat16.
class Bf16Copy {
 public:
  explicit Bf16Copy(const std::string& family);
  ~Bf16Copy() { std::filesystem::remove_all(path); }
  std::string path;
};

}  // namespace frugal::testkit
