// mix(of, weights): documents of several sources, drawn by weight until one is used up or a total is reached.
//
// A model's data is a mixture: shares are chosen for each source, not given by its size (T. Brown et al., "Language
// Models are Few-Shot Learners", 2020, 2005.14165, table 2.2; L. Gao et al., "The Pile", 2020, 2101.00027, table 1),
// and small good sources are read several times. Draw number n takes source i with probability proportional to w_i /
// m_i, where m_i is the mean size of what that source has given so far: in documents m_i is 1, in bytes or tokens the
// shares of text come near the weights whatever the lengths. The draws are a pure function of the seed (base/rng.h).
//
// Reading, parsing and drawing happen one document after the other while later stages run on all workers, so the output
// depends on the seed alone, and the speed is bounded by one core's reading (with by=tokens: by its tokenizer). The
// mixture is one part: a killed run begins it anew. Memory: a batch of each source.
#include <algorithm>

#include "base/error.h"
#include "base/rng.h"
#include "data/hash.h"
#include "data/op.h"
#include "io/checkpoint.h"
#include "io/model_config.h"
#include "text/tokenizer.h"

namespace frugal::data {
namespace {

enum class When { kStop, kRepeat, kLeaveOut };  // a source is used up

struct Ingredient {
  std::unique_ptr<Source> source;
  double weight = 0;
  std::vector<size_t> columns;  // of its own: where they stand in the mixture
};

struct Mixture {
  std::vector<Ingredient> of;
  std::vector<Column> columns;  // the first is the source's number
  std::unique_ptr<Tokenizer> tokenizer;
  bool by_docs = true;
  double total = 0;  // 0: until the sources end
  When when = When::kStop;
  uint64_t seed = 0;

  double size(std::string_view text) const {
    if (by_docs) return 1;
    if (!tokenizer) return static_cast<double>(text.size());
    return static_cast<double>(tokenizer->encode(text, {.add_special = false, .parse_special = false}).size());
  }
};

// A source's documents one after the other.
class Flow {
 public:
  explicit Flow(const Source& source) : source_(source), parts_(source.parts()) {}

  // Whether there is a document; reads on where the batch at hand is used up.
  bool ready(Faults& faults) {
    while (!batch_ || row_ == batch_->rows()) {
      if (!reader_) {
        if (part_ == parts_.size()) return false;
        reader_ = source_.open(parts_[part_++]);
      }
      RawBlock block;
      Faults again;
      Faults& counted = round_ == 0 ? faults : again;
      if (!reader_->next(block, counted)) {
        reader_.reset();
        continue;
      }
      batch_ = std::make_unique<Batch>();
      row_ = 0;
      source_.parse(std::move(block), *batch_, counted);
      batch_->set_columns(source_.columns());
    }
    return true;
  }
  const Batch& batch() const { return *batch_; }
  size_t row() const { return row_; }
  void advance() { ++row_, ++given_; }
  // From the front again; false when a whole round gave nothing.
  bool rewind() {
    if (std::exchange(given_, 0) == 0) return false;
    part_ = 0, ++round_;
    return true;
  }

 private:
  const Source& source_;
  std::vector<Part> parts_;
  size_t part_ = 0, row_ = 0, round_ = 0;
  uint64_t given_ = 0;  // in this round
  std::unique_ptr<BlockReader> reader_;
  std::unique_ptr<Batch> batch_;
};

class MixReader : public BlockReader {
 public:
  explicit MixReader(const Mixture& plan) : plan_(plan), draws_(plan.seed, 0, Purpose::kData) {
    for (const Ingredient& i : plan.of) flows_.push_back({Flow(*i.source), i.weight});
  }

  bool next(RawBlock& block, Faults& faults) override {
    auto out = std::make_shared<Batch>();
    while (out->source_bytes < kBlockBytes && !ended_) take_one(*out, faults);
    block.bytes.clear();
    block.size = static_cast<size_t>(out->source_bytes);
    block.held = std::move(out);
    return block.size > 0;
  }

 private:
  struct Drawn {
    Flow flow;
    double weight, size = 0, docs = 0;  // size: of the `docs` documents so far
  };

  void take_one(Batch& out, Faults& faults) {
    if (plan_.total > 0 && amount_ >= plan_.total) return void(ended_ = true);
    const size_t i = draw(faults);
    if (i == flows_.size()) return void(ended_ = true);
    Drawn& from = flows_[i];
    if (!from.flow.ready(faults) && !begin_again(from, faults)) return;
    const double size = plan_.size(from.flow.batch().text[from.flow.row()]);
    amount_ += size, from.size += size, from.docs += 1;
    copy(i, from.flow, out);
    from.flow.advance();
  }

  // A source by weight over mean size; flows_.size() when none is left. Before its first document a source's size is
  // what waits.
  size_t draw(Faults& faults) {
    std::vector<double> up_to(flows_.size());
    double sum = 0;
    for (size_t i = 0; i < flows_.size(); ++i) {
      Drawn& d = flows_[i];
      if (d.weight > 0 && d.docs == 0 && !d.flow.ready(faults)) used_up(d);
      if (d.weight > 0) {
        const double mean = d.docs > 0 ? d.size / d.docs : plan_.size(d.flow.batch().text[d.flow.row()]);
        sum += d.weight / std::max(mean, 1.0);
      }
      up_to[i] = sum;
    }
    if (sum == 0 || ended_) return flows_.size();
    const double u = draws_.uniform53() * sum;
    return static_cast<size_t>(std::upper_bound(up_to.begin(), up_to.end() - 1, u) - up_to.begin());
  }

  void used_up(Drawn& d) {
    d.weight = 0;
    ended_ = ended_ || plan_.when == When::kStop;
  }
  bool begin_again(Drawn& d, Faults& faults) {
    if (plan_.when == When::kRepeat && d.flow.rewind() && d.flow.ready(faults)) return true;
    used_up(d);
    return false;
  }

  void copy(size_t i, const Flow& flow, Batch& out) {
    const Batch& from = flow.batch();
    const size_t r = flow.row();
    out.add(out.arena.keep(from.text[r]), out.arena.keep(from.id[r]), out.arena.keep(from.meta[r]));
    out.source_bytes += from.text[r].size() + from.meta[r].size() + 1;
    out.set_columns(plan_.columns);
    out.numbers[0].back() = static_cast<double>(i);
    const auto& columns = plan_.of[i].columns;
    for (size_t c = 0; c < columns.size(); ++c) {
      if (plan_.columns[columns[c]].is_text)
        out.labels[columns[c]].back() = out.arena.keep(from.labels[c][r]);
      else
        out.numbers[columns[c]].back() = from.numbers[c][r];
    }
  }

  const Mixture& plan_;
  std::vector<Drawn> flows_;
  Stream draws_;
  double amount_ = 0;
  bool ended_ = false;
};

class MixSource : public Source {
 public:
  explicit MixSource(Mixture plan) : plan_(std::move(plan)) {}
  std::vector<Column> columns() const override { return plan_.columns; }

  std::vector<Part> parts() const override {
    Part all{"mix", 0, 1};
    for (const Ingredient& i : plan_.of)
      for (const Part& p : i.source->parts()) {
        all.bytes += p.bytes;
        all.more = fmt::format("{:016x}", hash_bytes(all.more + p.key()));
      }
    return {all};
  }
  std::unique_ptr<BlockReader> open(const Part&) const override { return std::make_unique<MixReader>(plan_); }
  void parse(RawBlock block, Batch& batch, Faults&) const override {
    batch = std::move(*static_cast<Batch*>(block.held.get()));
  }

 private:
  Mixture plan_;
};

std::unique_ptr<Source> source_of(const Value& value) {
  const Spec spec = value.kind == Value::Kind::kSpec ? value.spec : parse_spec(value.text);
  const bool one = spec.size() == 1 && !spec[0].scope.narrows();
  const std::string role = one ? need_method("data", spec[0].unit.name).role : "";
  if (role != "store" && role != "source")
    fail(ErrorCode::kUsage, "mix", "found '{}', expected a source such as jsonl(a)", to_string(spec));
  return make_method<MakeEnd>("data", spec[0].unit, false).source;
}

// Columns that two sources share by name and kind are one.
size_t column_of(const Column& wanted, std::vector<Column>& columns) {
  for (size_t c = 0; c < columns.size(); ++c)
    if (columns[c].name == wanted.name && columns[c].is_text == wanted.is_text) return c;
  columns.push_back(wanted);
  return columns.size() - 1;
}

Mixture mixture_of(const Args& a) {
  Mixture plan;
  plan.columns = {{"mix_source"}};
  const auto &of = a.list("of"), &weights = a.list("weights");
  if (of.size() != weights.size())
    fail(ErrorCode::kUsage, "mix", "found {} sources and {} weights, expected as many", of.size(), weights.size());
  for (size_t i = 0; i < of.size(); ++i) {
    if (weights[i].kind != Value::Kind::kNumber || !(weights[i].number > 0))
      fail(ErrorCode::kUsage, "mix", "found the weight {}, expected a number above 0", to_string(weights[i]));
    plan.of.push_back({source_of(of[i]), weights[i].number, {}});
    for (const Column& c : plan.of.back().source->columns())
      plan.of.back().columns.push_back(column_of(c, plan.columns));
  }
  plan.by_docs = a.text("by") == "docs";
  plan.total = a.real("total");
  plan.seed = static_cast<uint64_t>(a.integer("seed"));
  const std::string& end = a.text("end");
  plan.when = end == "stop" ? When::kStop : end == "repeat" ? When::kRepeat : When::kLeaveOut;
  if (plan.when == When::kRepeat && plan.total == 0)
    fail(ErrorCode::kUsage, "mix", "found end=repeat without a total, expected total=N, where the mixture ends");
  if (a.text("by") == "tokens") {
    if (a.text("model").empty()) fail(ErrorCode::kUsage, "mix", "found by=tokens, expected model=FILE with it");
    plan.tokenizer = make_tokenizer(read_tokenizer(Checkpoint::open(a.text("model"))));
  }
  return plan;
}

const Register<MakeEnd> kMix(
    {.kind = "data",
     .role = "source",
     .name = "mix",
     .help = "documents of several sources, drawn by weight: mix(of=[jsonl(a),parquet(b)],weights=[0.7,0.3])",
     .params =
         {ParamInfo::list("of", "sources"), ParamInfo::list("weights", "one for each source, of any sum"),
          ParamInfo::choice("by", {"docs", "bytes", "tokens"}, "what the weights are shares of").preset("docs"),
          ParamInfo::real("total", "how many of these are drawn; 0: until the sources end").preset("0").at_least(0),
          ParamInfo::choice("end", {"stop", "repeat", "leave_out"},
                            "a source is used up: the mixture ends, it begins anew, the others go on")
              .preset("stop"),
          ParamInfo::text("model", "by=tokens: whose tokenizer").preset(""),
          ParamInfo::integer("seed", "of the draws").preset("0").at_least(0)}},
    [](const Args& a, bool) {
      End end;
      end.source = std::make_unique<MixSource>(mixture_of(a));
      return end;
    });

}  // namespace
}  // namespace frugal::data
