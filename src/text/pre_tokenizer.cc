// The names that GGUF files give pre-tokenizers, each as the chain of patterns in the model's own tokenizer.json.
#include "text/pre_tokenizer.h"

#include <map>

#include "base/error.h"

namespace frugal {
namespace {

using Patterns = std::vector<std::string>;

constexpr char kQwen35[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kGpt4o[] =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kTekken[] = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
                           R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
                           R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kDeepSeekV3[] = R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
                               R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// Cased letters as DeepSeek LLM lists them, and the scripts that it splits into runs.
// clang-format off
constexpr char kDeepSeekLetters[] =
    "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ"
    "-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯ"
    "ꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
// clang-format on
constexpr char kDeepSeekPunctuation[] = "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+";
constexpr char kDeepSeekScripts[] = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";
constexpr char kBloom[] = " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+";

const std::map<std::string, Patterns>& named() {
  static const std::map<std::string, Patterns> map = [] {
    std::map<std::string, Patterns> m;
    auto put = [&](std::initializer_list<const char*> names, const Patterns& patterns) {
      for (const char* name : names) m[name] = patterns;
    };
    const std::string gpt2 = kGpt2Pattern, digit = kDigitPattern, digits = kDigitsPattern, three = "[0-9][0-9][0-9]";
    put({"gpt-2", "gpt2", "phi-2", "mpt", "olmo", "jais", "gigachat", "mellum", "modern-bert", "roberta-bpe", "jina-es",
         "jina-de", "jina-v1-en", "jina-v2-es", "jina-v2-de", "jina-v2-code", "trillion", "granite-docling"},
        {gpt2});
    put({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"}, {digit, gpt2});
    put({"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "dbrx", "smaug-bpe",
         "chatglm-bpe", "glm4"},
        {kLlama3Pattern});
    put({"qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez", "grok-2"}, {kQwen2Pattern});
    put({"qwen35"}, {kQwen35});
    put({"gpt-4o", "llama4"}, {kGpt4o});
    put({"tekken"}, {kTekken});
    put({"falcon"}, {kPunctuationPattern, gpt2, kByteDigitsPattern, three});
    put({"default"}, {R"([\p{P}\$\+<=>\^~\|]+)", gpt2, digits, three});  // what llama.cpp takes when a file names none
    put({"deepseek-llm"}, {"[\\r\\n]", kDeepSeekLetters, kDeepSeekPunctuation, R"(\s+$)", kDeepSeekScripts, digit});
    put({"deepseek-coder"}, {"[\\r\\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepSeekScripts, digit});
    put({"deepseek-v3"}, {R"(\p{N}{1,3})", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", kDeepSeekV3});
    put({"bloom", "poro-chat", "gpt3-finnish"}, {kBloom});
    put({"viking"}, {kBloom, digit});
    return m;
  }();
  return map;
}

class Chain : public PreTokenizer {
 public:
  explicit Chain(const Patterns& patterns) {
    for (const std::string& p : patterns) {
      std::unique_ptr<PreTokenizer> part = make_word_scanner({p});
      if (part == nullptr) part = make_run_scanner(p);
      if (part == nullptr) part = make_regex_splitter(p);
      parts_.push_back(std::move(part));
    }
  }
  void split(std::string_view text, Emit emit) const override { split_by(0, text, emit); }

 private:
  void split_by(size_t i, std::string_view text, Emit emit) const {
    if (i == parts_.size()) return emit(text);
    if (i + 1 == parts_.size()) return parts_[i]->split(text, emit);
    parts_[i]->split(text, [&](std::string_view piece) { split_by(i + 1, piece, emit); });
  }
  std::vector<std::unique_ptr<PreTokenizer>> parts_;
};

}  // namespace

const Patterns& pre_tokenizer_patterns(const std::string& name) {
  auto it = named().find(name);
  if (it != named().end()) return it->second;
  std::vector<std::string> known;
  for (const auto& [n, p] : named()) known.push_back(n);
  fail(ErrorCode::kUnsupported, "pre-tokenizer", "'{}' is not known; known are {}", name, fmt::join(known, ", "));
}

// Several names may stand for one chain: the models' that gave it its name come first.
std::string pre_tokenizer_name(const Patterns& patterns) {
  for (const char* first : {"gpt-2", "smollm", "llama-bpe", "qwen2"})
    if (named().at(first) == patterns) return first;
  for (const auto& [name, p] : named())
    if (p == patterns) return name;
  return "";
}

std::unique_ptr<PreTokenizer> make_pre_tokenizer(const std::string& name, const Patterns& patterns) {
  const Patterns& all = patterns.empty() ? pre_tokenizer_patterns(name) : patterns;
  if (auto scanner = make_word_scanner(all)) return scanner;
  return std::make_unique<Chain>(all);
}

}  // namespace frugal
