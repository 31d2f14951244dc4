// frugal data train-classifier: a fastText model from texts with labels, and how well it does.
#include "cli/train_classifier.h"

#include <fmt/format.h>

#include <iostream>

#include "base/clock.h"
#include "base/error.h"
#include "cli/verb.h"
#include "data/hash.h"
#include "data/language/labelled.h"
#include "data/language/train_classifier.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

struct TrainFlags {
  std::vector<std::string> files, valid;
  std::string out;
  data::LabelledNames names;
  data::ClassifierOptions train;
  double hold_out = 0;
  TableFormat format;
};

// Texts held out, whichever file they are in and wherever: by their hash.
bool held_out(std::string_view text, double share) {
  return static_cast<double>(data::hash_bytes(text, 7) >> 11) * 0x1p-53 < share;
}

void score(const TrainFlags& f, data::ClassifierScore& score) {
  const bool all = !f.valid.empty() || f.hold_out == 0;
  data::read_labelled(f.valid.empty() ? f.files : f.valid, f.names, [&](std::string_view text, const auto& labels) {
    if (all || held_out(text, f.hold_out)) score.add(text, labels);
  });
}

double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

int print(const TrainFlags& f, const data::ClassifierTrainer& trainer, const data::Faults& faults,
          const data::ClassifierScore& s, double seconds) {
  Json rows = Json::array();
  for (const data::LabelScore& l : s.labels)
    rows.push_back({{"label", l.label},
                    {"texts", l.gold},
                    {"precision", share(l.right, l.predicted)},
                    {"recall", share(l.right, l.gold)}});
  const char* on = !f.valid.empty() ? "validation" : f.hold_out > 0 ? "held-out" : "training";
  if (f.format.is_json()) {
    std::cout << Json{{"model", f.out},           {"texts", trainer.texts()},   {"labels", trainer.labels()},
                      {"words", trainer.words()}, {"left_out", faults},         {"scored_on", on},
                      {"scored", s.texts},        {"precision", s.precision()}, {"recall", s.recall()},
                      {"seconds", seconds},       {"by_label", std::move(rows)}}
                     .dump(1)
              << "\n";
    return 0;
  }
  f.format.print(rows);
  if (f.format.format != "table") return 0;
  std::cout << fmt::format("\n{}: {} labels, {} words, from {} texts, {:.1f} s\n", f.out, trainer.labels(),
                           trainer.words(), trainer.texts(), seconds);
  for (const auto& [fault, n] : faults) std::cout << fmt::format("left out: {} {}\n", fault, n);
  std::cout << fmt::format("{} {} texts: precision {:.4f}, recall {:.4f}\n", s.texts, on, s.precision(), s.recall());
  return 0;
}

int run(const TrainFlags& f) {
  if (!f.valid.empty() && f.hold_out > 0)
    fail(ErrorCode::kUsage, "train-classifier", "found --valid and --hold-out, expected one of them");
  const Stopwatch watch;
  data::ClassifierTrainer trainer(f.train);
  const data::Faults faults = data::read_labelled(f.files, f.names, [&](std::string_view text, const auto& labels) {
    if (!f.valid.empty() || !held_out(text, f.hold_out)) trainer.add(text, labels);
  });
  trainer.train(stderr_progress());
  trainer.write(f.out);
  const double seconds = watch.seconds();
  const data::FastText model = data::FastText::open(f.out);
  data::ClassifierScore s(model);
  score(f, s);
  return print(f, trainer, faults, s, seconds);
}

}  // namespace

std::function<int()> add_train_classifier(CLI::App& app) {
  auto f = std::make_shared<TrainFlags>();
  CLI::App* sub = app.add_subcommand("train-classifier", "train a fastText classifier of texts with labels");
  sub->footer(
      "  frugal data train-classifier judged.jsonl.gz --hold-out 0.1 --word-ngrams 2 --out quality.bin\n"
      "  frugal data \"jsonl(in) | classifier(quality.bin,good,0.5) | jsonl(out)\"");
  sub->add_option("FILES", f->files, "JSON lines with text and label, or lines with __label__X; .gz and .zst too")
      ->required();
  sub->add_option("--out", f->out, "the model, .bin")->required();
  sub->add_option("--valid", f->valid, "files to test the model on");
  sub->add_option("--hold-out", f->hold_out, "a share of the texts to test on instead of training")
      ->check(CLI::Range(0.0, 0.9));
  sub->add_option("--text", f->names.text, "the member of a JSON line with the text")->capture_default_str();
  sub->add_option("--label", f->names.label, "with its label, or a list of labels")->capture_default_str();
  data::ClassifierOptions& o = f->train;
  sub->add_option("--lr", o.lr, "learning rate at the start")->check(CLI::PositiveNumber)->capture_default_str();
  sub->add_option("--epoch", o.epoch, "visits of each text")->check(CLI::Range(1, 100000))->capture_default_str();
  sub->add_option("--dim", o.dim, "numbers in a vector")->check(CLI::Range(1, 4096))->capture_default_str();
  sub->add_option("--word-ngrams", o.word_ngrams, "longest run of words that has a vector")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  sub->add_option("--bucket", o.bucket, "vectors that runs of words share")
      ->check(CLI::Range(1, 1 << 28))
      ->capture_default_str();
  sub->add_option("--min-count", o.min_count, "rarer words have no vector")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  sub->add_flag("!--no-shuffle", o.shuffle, "take the texts in the order of the files in every epoch");
  sub->add_option("--seed", o.seed, "of vectors and order")->capture_default_str();
  f->format.add(*sub);
  return [f, sub] { return sub->parsed() ? run(*f) : -1; };
}

}  // namespace frugal
