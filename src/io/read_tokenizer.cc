// Which of a checkpoint's files holds its tokenizer.
#include "base/error.h"
#include "io/model_config.h"
#include "io/tokenizer_gguf.h"

namespace frugal {

TokenizerSpec read_tokenizer(const Checkpoint& file) {
  if (file.format != "gguf") fail(ErrorCode::kUnsupported, "tokenizer", "{}: tokenizers of Hugging Face directories are not read yet", file.path);
  TokenizerSpec s = tokenizer_from_gguf(file.metadata);
  const TensorView* embedding = file.find("token_embd.weight");
  if (embedding != nullptr && static_cast<int64_t>(s.pieces.size()) > embedding->rows())
    fail(ErrorCode::kBadInput, "tokenizer", "{} has {} tokens, its embedding {} rows", file.path, s.pieces.size(), embedding->rows());
  return s;
}

}  // namespace frugal
