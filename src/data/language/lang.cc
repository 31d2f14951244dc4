// lang and classifier: what language a text is in, and how a trained fastText model judges it.
//
// Language identification as CCNet (2019), RefinedWeb and FineWeb use it: the most likely of the 176 labels of lid.176,
// a document is kept when it is the language asked for and its probability is at least the threshold (FineWeb: 0.65).
// The whole text is read, line breaks as blanks. `lang(any)` keeps every language above the threshold and only notes
// which. classifier: the probability of one label of any fastText model (quality in the way of DCLM: J. Li et al.,
// 2024).
#include <algorithm>
#include <memory>

#include "base/error.h"
#include "data/language/fasttext.h"
#include "data/language/model_file.h"
#include "data/op.h"

namespace frugal::data {
namespace {

class Language : public RowOp {
 public:
  Language(std::vector<std::string> languages, double least, FastText model)
      : languages_(std::move(languages)), least_(least), model_(std::move(model)) {
    for (const std::string& l : languages_)
      if (l != "any" && std::find(model_.labels().begin(), model_.labels().end(), l) == model_.labels().end())
        fail(ErrorCode::kUsage, "lang",
             "found no language '{}' in the model, expected one of its {} labels, such as en, de, zh", l,
             model_.labels().size());
  }
  std::vector<Column> columns() const override { return {{"language", true}, {"language_score"}}; }
  std::vector<std::string> reasons() const override { return {"language", "language_score"}; }

  void apply(Document& doc, Scratch&) const override {
    const Prediction p = model_.best(doc.text());
    const std::string& label = model_.labels()[p.label];
    doc.label(0, p.probability > 0 ? label : "");
    doc.number(1, p.probability);
    const bool wanted = std::any_of(languages_.begin(), languages_.end(),
                                    [&](const std::string& l) { return l == "any" || l == label; });
    if (!wanted) return doc.drop(0);
    if (p.probability < least_) doc.drop(1);
  }

 private:
  std::vector<std::string> languages_;
  double least_;
  FastText model_;
};

class Classifier : public RowOp {
 public:
  Classifier(const std::string& label, double least, FastText model) : least_(least), model_(std::move(model)) {
    const auto& labels = model_.labels();
    const auto found = std::find(labels.begin(), labels.end(), label);
    if (found == labels.end())
      fail(ErrorCode::kUsage, "classifier", "found no label '{}' in the model, expected one of its {}, such as {}",
           label, labels.size(), labels.at(0));
    label_ = static_cast<size_t>(found - labels.begin());
  }
  std::vector<Column> columns() const override { return {{"classifier_score"}}; }
  std::vector<std::string> reasons() const override { return {"classifier_score"}; }
  void apply(Document& doc, Scratch&) const override {
    const double p = model_.probability(doc.text(), label_);
    doc.number(0, p);
    if (p < least_) doc.drop(0);
  }

 private:
  size_t label_ = 0;
  double least_;
  FastText model_;
};

std::vector<std::string> names(const std::vector<Value>& list) {
  std::vector<std::string> out;
  out.reserve(list.size());
  for (const Value& v : list) out.push_back(v.kind == Value::Kind::kText ? v.text : to_string(v));
  return out;
}

const Register<MakeRowOp> kLang(
    {.kind = "data",
     .role = "filter",
     .name = "lang",
     .title = "Bag of Tricks for Efficient Text Classification",
     .authors = "Joulin et al.",
     .year = 2016,
     .arxiv = "1607.01759",
     .help = "keeps documents in a language: lang(en,0.65), lang([en,de],0.5), lang(any)",
     .params = {ParamInfo::list("languages", "labels of the model (ISO 639), or any"),
                ParamInfo::real("threshold", "least probability").preset("0.65").within(0, 1),
                ParamInfo::text("model", "a fastText model with language labels").preset("lid.176.ftz")}},
    [](const Args& a) {
      return std::make_unique<Language>(names(a.list("languages")), a.real("threshold"),
                                        FastText::open(find_model_file(a.text("model"))));
    });

const Register<MakeRowOp> kClassifier(
    {.kind = "data",
     .role = "filter",
     .name = "classifier",
     .title = "DataComp-LM: In search of the next generation of training sets for language models",
     .authors = "Li et al.",
     .year = 2024,
     .arxiv = "2406.11794",
     .help = "keeps documents to which a fastText model gives a label",
     .params = {ParamInfo::text("model", "a supervised fastText model, .bin or .ftz"),
                ParamInfo::text("label", "without __label__"),
                ParamInfo::real("threshold", "least probability").preset("0.5").within(0, 1)}},
    [](const Args& a) {
      return std::make_unique<Classifier>(a.text("label"), a.real("threshold"),
                                          FastText::open(find_model_file(a.text("model"))));
    });

}  // namespace
}  // namespace frugal::data
