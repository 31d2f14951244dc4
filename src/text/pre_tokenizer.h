// Splits text into the pieces that BPE merges stay inside: named pre-tokenizers (GGUF's names) or regex chains.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace frugal {

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // Calls on_piece for every piece in order; together they are the text.
  virtual void split(std::string_view text, const std::function<void(std::string_view)>& on_piece) const = 0;
};

// name: gpt-2, smollm, llama-bpe, qwen2, ...; patterns, when there are any, are applied instead: each in turn isolates its
// matches inside the pieces of the one before. Throws Error for a name that is not known or a pattern that is wrong.
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const std::string& name, const std::vector<std::string>& patterns);

}  // namespace frugal
