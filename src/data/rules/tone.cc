// tone: answers that apologise, shout or glitter too much go.
//
// A. Dubey et al., "The Llama 3 Herd of Models", 2024, section 4.2.3 (data cleaning): overused phrases ("I'm sorry",
// "I apologize") and excess of emoji and exclamation marks are removed or balanced; no limits are published. Values:
// phrases and exclamation marks a hundred words, emoji a hundred characters; the limits are ours. Cost: one pass over
// the bytes, one search a phrase.
#include "data/op.h"
#include "data/rules/lines.h"
#include "data/scratch.h"
#include "text/utf8.h"

namespace frugal::data {
namespace {

bool emoji(uint32_t c) {
  return (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x2600 && c <= 0x27bf) || (c >= 0x1f1e6 && c <= 0x1f1ff) ||
         c == 0x2b50 || c == 0x2764;
}

struct Limits {
  double phrases, exclamations, emoji;
};

class Tone : public RowOp {
 public:
  Tone(std::vector<std::string> phrases, const Limits& limits) : phrases_(std::move(phrases)), limits_(limits) {}
  std::vector<Column> columns() const override { return {{"tone_phrases"}, {"tone_exclamations"}, {"tone_emoji"}}; }
  std::vector<std::string> reasons() const override { return {"tone_phrases", "tone_exclamations", "tone_emoji"}; }

  void apply(Document& doc, Scratch& scratch) const override {
    const std::string_view text = doc.text();
    std::string& low = scratch.text_a;
    low.assign(text);
    for (char& c : low) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    double phrases = 0, exclamations = 0, emojis = 0;
    for (const std::string& p : phrases_) phrases += static_cast<double>(count_of(low, p));
    for (size_t at = 0; at < text.size();) {
      const size_t n = utf8_length(text.substr(at));
      exclamations += text[at] == '!' ? 1 : 0;
      emojis += n > 2 && emoji(decode_utf8(text.substr(at, n))) ? 1 : 0;
      at += n;
    }
    const double words = static_cast<double>(std::max<size_t>(scratch.words(text, WordKind::kPlain).size(), 1)) / 100;
    const double values[] = {phrases / words, exclamations / words,
                             emojis * 100 / static_cast<double>(std::max<size_t>(characters(text), 1))};
    const double limits[] = {limits_.phrases, limits_.exclamations, limits_.emoji};
    for (size_t i = 0; i < 3; ++i) {
      doc.number(i, values[i]);
      if (values[i] > limits[i]) doc.drop(i);
    }
  }

 private:
  std::vector<std::string> phrases_;  // lower case
  Limits limits_;
};

const Register<MakeRowOp> kTone(
    {.kind = "data",
     .role = "filter",
     .name = "tone",
     .title = "The Llama 3 Herd of Models",
     .authors = "Dubey et al.",
     .year = 2024,
     .arxiv = "2407.21783",
     .help = "drops texts with many overused phrases, exclamation marks or emoji",
     .params = {ParamInfo::list("phrases", "overused phrases, any case")
                    .preset("[\"i'm sorry\",\"i apologize\",\"as an ai\"]"),
                ParamInfo::real("max_phrases", "most of them a hundred words").preset("1").at_least(0),
                ParamInfo::real("max_exclamations", "most exclamation marks a hundred words").preset("5").at_least(0),
                ParamInfo::real("max_emoji", "most emoji a hundred characters").preset("1").at_least(0)}},
    [](const Args& a) {
      std::vector<std::string> phrases;
      for (const Value& v : a.list("phrases")) {
        phrases.push_back(v.text);
        for (char& c : phrases.back()) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      }
      std::erase(phrases, "");
      return std::make_unique<Tone>(std::move(phrases),
                                    Limits{a.real("max_phrases"), a.real("max_exclamations"), a.real("max_emoji")});
    });

}  // namespace
}  // namespace frugal::data
