#include "data/pass.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "data/byte_stream.h"
#include "data/scratch.h"
#include "data/sketch_files.h"
#include "data/spill.h"

namespace frugal::data {
namespace {

// What became of one block, or (last) the end of its part.
struct Done {
  size_t part = 0;
  bool last = false;
  std::string out, rejects;
  std::vector<Record> records;
  uint64_t kept = 0;
  Counts counts;
};

// Takes blocks from the parts in order, leaving out parts that are done. Used under a lock.
class Feed {
 public:
  Feed(const Pass& pass, const Manifest& manifest) : pass_(pass) {
    for (size_t part = 0; part < pass.parts.size(); ++part)
      if (manifest.find(pass.number, part) == nullptr) todo_.push_back(part);
  }
  // False when all is read. block is empty (size 0) at the end of a part.
  bool next(RawBlock& block, size_t& part, Faults& faults) {
    if (!reader_) {
      if (at_ == todo_.size()) return false;
      reader_ = pass_.source->open(pass_.parts[todo_[at_]]);
    }
    part = todo_[at_];
    if (reader_->next(block, faults)) return true;
    block.size = 0;
    reader_.reset();
    ++at_;
    return true;
  }

 private:
  const Pass& pass_;
  std::vector<size_t> todo_;
  std::unique_ptr<BlockReader> reader_;
  size_t at_ = 0;
};

// The stages on a batch, and what they leave as bytes.
class Work {
 public:
  explicit Work(const Pass& pass) : pass_(pass) {}

  void operator()(RawBlock block, Done& done) {
    base_ = pass_.bases.empty() ? 0 : pass_.bases[done.part];
    const Plan& plan = *pass_.plan;
    Batch batch;
    const double begin = now_s();
    pass_.source->parse(std::move(block), batch, done.counts.faults);
    batch.set_columns(plan.schema.columns);
    scratch_.forget();
    done.counts.parse_s = now_s() - begin;
    done.counts.source_bytes = batch.source_bytes;
    done.counts.source_docs = batch.rows();
    for (size_t row = 0; row < batch.rows(); ++row) one(batch, row, done.counts);
    emit(batch, done);
  }

 private:
  void one(Batch& batch, size_t row, Counts& counts) {
    double before = now_s();
    for (size_t s = pass_.first_stage; s < pass_.end_stage; ++s) {
      const Stage& stage = pass_.plan->stages[s];
      StageCounts& c = counts.stages[s];
      Document doc(batch, row);
      doc.columns = stage.first_column;
      doc.reasons = stage.first_reason;
      ++c.docs_in;
      c.bytes_in += doc.text().size();
      if (stage.row)
        stage.row->apply(doc, scratch_);
      else
        stage.global->apply(doc, base_ + batch.first_row + row, scratch_);
      const double after = now_s();
      c.seconds += after - before;
      before = after;
      if (!doc.kept()) {
        batch.stage[row] = static_cast<uint16_t>(s);
        ++c.reasons[pass_.plan->schema.reasons[batch.verdict[row] - 1u]];
        return;
      }
      ++c.docs_out;
    }
  }

  void emit(const Batch& batch, Done& done) {
    const double begin = now_s();
    const Plan& plan = *pass_.plan;
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (batch.verdict[row] != kKept) continue;
      if (pass_.sketcher) sketch(batch, row, done);
      ++done.kept;
    }
    if (pass_.sketcher) {
      spill_batch(batch, plan.schema.columns, done.out);
    } else {
      plan.sink->encode(batch, plan.schema, done.out);
      done.counts.out_docs = done.kept;
      done.counts.out_bytes = done.out.size();
      pack_bytes(pass_.out_extension, done.out);
    }
    if (!pass_.rejects_folder.empty()) encode_jsonl(batch, plan.schema, true, true, done.rejects);
    done.counts.encode_s = now_s() - begin;
  }

  void sketch(const Batch& batch, size_t row, Done& done) {
    const size_t from = done.records.size();
    pass_.sketcher->sketch(batch, row, scratch_, done.records);
    for (size_t i = from; i < done.records.size(); ++i) done.records[i].row = static_cast<uint32_t>(done.kept);
  }

  const Pass& pass_;
  Scratch scratch_;
  uint64_t base_ = 0;  // the number of the first document of the block's part
};

// Puts what is done into files, in order.
class Writer {
 public:
  Writer(const Pass& pass, Manifest& manifest) : pass_(pass), manifest_(manifest) {}

  void write(Done done) {
    if (!open_) begin(done.part);
    if (pass_.sketcher && !done.out.empty()) set_first_row(done.out, rows_);
    out_->write(done.out);
    if (rejects_) rejects_->write(done.rejects);
    for (Record& r : done.records) r.row += static_cast<uint32_t>(rows_);
    if (sketch_) sketch_->add(done.records);
    rows_ += done.kept;
    counts_.add(done.counts);
    if (done.last) end(done.part);
  }

 private:
  void begin(size_t part) {
    open_ = true;
    rows_ = 0;
    counts_ = Counts(pass_.plan->stages.size());
    const std::string path = part_file(pass_.out_folder, part, pass_.out_extension);
    out_ = pass_.sketcher ? plain_writer(path) : pass_.plan->sink->open(path, pass_.plan->schema);
    if (pass_.sketcher)
      sketch_ = std::make_unique<SketchWriter>(part_file(pass_.sketch_folder, part, ".sketch"), pass_.slices);
    if (!pass_.rejects_folder.empty())
      rejects_ = plain_writer(part_file(pass_.rejects_folder, part, fmt::format("-{}.jsonl", pass_.number)));
  }
  void end(size_t part) {
    out_->commit();
    if (rejects_) rejects_->commit();
    if (sketch_) sketch_->commit();
    sketch_.reset();
    out_.reset();
    rejects_.reset();
    manifest_.add(pass_.number, part, {rows_, std::move(counts_)});
    open_ = false;
  }

  const Pass& pass_;
  Manifest& manifest_;
  bool open_ = false;
  uint64_t rows_ = 0;
  Counts counts_;
  std::unique_ptr<SketchWriter> sketch_;
  std::unique_ptr<PartWriter> out_, rejects_;
};

// The workers and what they share.
class Crew {
 public:
  Crew(const Pass& pass, Manifest& manifest, int workers, const std::atomic<bool>* stop, Progress& progress)
      : pass_(pass),
        feed_(pass, manifest),
        writer_(pass, manifest),
        most_(static_cast<uint64_t>(workers) * 4),
        stop_(stop),
        progress_(progress) {}

  void run(int workers) {
    std::vector<std::thread> others;
    for (int w = 1; w < workers; ++w) others.emplace_back([this] { work(); });
    work();
    for (std::thread& t : others) t.join();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void work() {
    try {
      Work work(pass_);
      while (step(work)) {
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      changed_.notify_all();
    }
  }

  bool step(Work& work) {
    RawBlock block;
    Done done;
    done.counts = Counts(pass_.plan->stages.size());
    uint64_t number = 0;
    if (!take(block, done, number)) return false;
    if (block.size > 0) work(std::move(block), done);
    give(std::move(done), number);
    return true;
  }

  bool take(RawBlock& block, Done& done, uint64_t& number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || ended_ || (!reading_ && taken_ < written_ + most_); });
    if (error_ || ended_) return false;
    if (stop_ != nullptr && *stop_)
      fail(ErrorCode::kCancelled, "data", "stopped; the parts that are finished stay, and --resume goes on from there");
    reading_ = true;
    lock.unlock();
    bool more = false;
    std::exception_ptr failure;
    try {
      more = feed_.next(block, done.part, done.counts.faults);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    reading_ = false;
    if (more) number = taken_++;
    ended_ = !more;
    changed_.notify_all();
    if (failure) std::rethrow_exception(failure);
    done.last = block.size == 0;
    return more;
  }

  void give(Done done, uint64_t number) {
    std::unique_lock lock(mutex_);
    waiting_.emplace(number, std::move(done));
    if (writing_) return;
    writing_ = true;
    while (!error_ && !waiting_.empty() && waiting_.begin()->first == written_) {
      Done next = std::move(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      lock.unlock();
      const auto docs = static_cast<int64_t>(next.counts.source_docs);
      try {
        writer_.write(std::move(next));
      } catch (...) {
        lock.lock();
        writing_ = false;
        throw;
      }
      progress_.add(docs);
      lock.lock();
      ++written_;
      changed_.notify_all();
    }
    writing_ = false;
  }

  const Pass& pass_;
  Feed feed_;
  Writer writer_;
  uint64_t most_;  // blocks between the reader and the writer
  const std::atomic<bool>* stop_;
  Progress& progress_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint64_t, Done> waiting_;
  uint64_t taken_ = 0, written_ = 0;
  bool reading_ = false, writing_ = false, ended_ = false;
  std::exception_ptr error_;
};

}  // namespace

std::string part_file(const std::string& folder, size_t part, const std::string& extension) {
  return fmt::format("{}/part-{:05}{}", folder, part, extension);
}

void run_pass(const Pass& pass, Manifest& manifest, int workers, const std::atomic<bool>* stop, Progress& progress) {
  for (const std::string& folder : {pass.out_folder, pass.sketch_folder, pass.rejects_folder})
    if (!folder.empty()) std::filesystem::create_directories(folder);
  Crew(pass, manifest, workers, stop, progress).run(workers);
}

}  // namespace frugal::data
