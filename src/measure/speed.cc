#include "measure/speed.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "base/error.h"
#include "decode/sampler/sampler.h"

namespace frugal {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::vector<int32_t> some_ids(int64_t vocab, int64_t n, uint64_t seed) {
  std::vector<int32_t> ids;
  for (uint64_t x = seed * 2 + 1; static_cast<int64_t>(ids.size()) < n;) {
    x = x * 6364136223846793005ull + 1442695040888963407ull;
    ids.push_back(static_cast<int32_t>((x >> 33) % static_cast<uint64_t>(vocab)));
  }
  return ids;
}

// Feeds ids in chunks, logits of the last row only, as a prompt is fed.
void feed(Runner& runner, KvSeq& seq, std::span<const int32_t> ids) {
  seq.begin_prompt();
  for (size_t at = 0; at < ids.size();) {
    const size_t n = std::min(
        {ids.size() - at, static_cast<size_t>(runner.options().max_rows), static_cast<size_t>(seq.rows_until_event())});
    if (!seq.reserve(static_cast<int64_t>(n)))
      fail(ErrorCode::kUsage, "bench", "the cache is full at {} rows", seq.length());
    runner.forward(chain(seq, ids.subspan(at, n), at + n == ids.size() ? 1 : 0));
    seq.commit(static_cast<int64_t>(n));
    at += n;
  }
  seq.end_prompt();
}

class Run {
 public:
  Run(Runner& runner, const SpeedCase& what) : runner_(runner), what_(what) {
    for (int b = 0; b < (what.decode ? what.batch : 1); ++b) {
      seqs_.push_back(runner.sequence());
      if (what.depth > 0) feed(runner, *seqs_.back(), some_ids(runner.vocab(), what.depth, static_cast<uint64_t>(b)));
    }
    ids_ = some_ids(runner.vocab(), what.tokens, 99);
  }

  // One run from the given depth; seconds.
  double once() {
    for (auto& s : seqs_) s->truncate(what_.depth);
    const double start = now();
    if (what_.decode)
      decode();
    else
      feed(runner_, *seqs_[0], ids_);
    return now() - start;
  }

  // One step (a token of each sequence, or one chunk of prompt) at the given depth, timed call by call.
  std::vector<std::pair<std::string, double>> profile() {
    for (auto& s : seqs_) s->truncate(what_.depth);
    Batch batch;
    const int rows = what_.decode ? 1 : std::min(what_.tokens, runner_.options().max_rows);
    for (size_t b = 0; b < seqs_.size(); ++b) {
      if (!seqs_[b]->reserve(rows))
        fail(ErrorCode::kUsage, "bench", "the cache is full at {} rows", seqs_[b]->length());
      batch.seqs.push_back({seqs_[b].get(), batch.rows(), rows, {}});
      for (int i = 0; i < rows; ++i) {
        batch.ids.push_back(ids_[static_cast<size_t>(i)]);
        batch.positions.push_back(static_cast<int32_t>(seqs_[b]->length()) + i);
      }
      batch.logit_rows.push_back(batch.rows() - 1);
    }
    return runner_.profile(batch);
  }

  size_t cache_bytes() const {
    size_t total = 0;
    for (const auto& s : seqs_) total += s->bytes();
    return total;
  }

 private:
  void decode() {
    std::vector<int32_t> next(seqs_.size(), ids_[0]);
    Batch batch;
    for (int step = 0; step < what_.tokens; ++step) {
      batch.clear();
      for (size_t b = 0; b < seqs_.size(); ++b) {
        if (!seqs_[b]->reserve(1)) fail(ErrorCode::kUsage, "bench", "the cache is full at {} rows", seqs_[b]->length());
        batch.ids.push_back(next[b]);
        batch.positions.push_back(static_cast<int32_t>(seqs_[b]->length()));
        batch.seqs.push_back({seqs_[b].get(), static_cast<int>(b), 1, {}});
        batch.logit_rows.push_back(static_cast<int>(b));
      }
      const float* logits = runner_.forward(batch);
      for (size_t b = 0; b < seqs_.size(); ++b) {
        seqs_[b]->commit(1);
        next[b] =
            greedy_->sample({logits + static_cast<int64_t>(b) * runner_.vocab(), static_cast<size_t>(runner_.vocab())});
      }
    }
  }

  Runner& runner_;
  SpeedCase what_;
  std::vector<std::unique_ptr<KvSeq>> seqs_;
  std::vector<int32_t> ids_;
  std::unique_ptr<Sampler> greedy_ = make_sampler("greedy", 0);
};

double flop_per_token(const ModelConfig& c, double depth) {
  const double q = static_cast<double>(c.heads * c.head_dim), kv = static_cast<double>(c.kv_heads * c.head_dim),
               w = static_cast<double>(c.width);
  const double experts = c.experts > 0 ? static_cast<double>(c.experts_used) : 1.0;
  const double layer = w * (2 * q + 2 * kv) + experts * 3 * w * static_cast<double>(c.ff_width) + 2 * q * depth;
  return 2 * layer * static_cast<double>(c.layers);
}

}  // namespace

void SpeedResult::summarise() {
  std::vector<double> sorted = tok_s;
  std::sort(sorted.begin(), sorted.end());
  median = sorted[sorted.size() / 2];
  lowest = sorted.front();
  highest = sorted.back();
}

SpeedResult measure_speed(Runner& runner, const SpeedCase& what, int repeats) {
  Run run(runner, what);
  run.once();
  SpeedResult r;
  r.what = what;
  const int tokens = what.tokens * (what.decode ? what.batch : 1);
  for (int i = 0; i < repeats; ++i) r.tok_s.push_back(tokens / run.once());
  r.summarise();
  r.cache_bytes = run.cache_bytes();
  const double depth = static_cast<double>(what.depth) + what.tokens / 2.0;
  r.flop_per_token = flop_per_token(runner.model().config(), depth);
  const double row_bytes = static_cast<double>(r.cache_bytes) / (static_cast<double>(what.depth) + what.tokens);
  r.bytes_per_step = static_cast<double>(runner.model().packed_bytes()) + row_bytes * depth;
  return r;
}

std::vector<std::pair<std::string, double>> profile_step(Runner& runner, const SpeedCase& what, int repeats) {
  Run run(runner, what);
  run.profile();
  std::map<std::string, double> sums;
  for (int i = 0; i < repeats; ++i)
    for (const auto& [name, seconds] : run.profile()) sums[name] += seconds / repeats;
  std::vector<std::pair<std::string, double>> sorted(sums.begin(), sums.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

size_t peak_rss() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace frugal
