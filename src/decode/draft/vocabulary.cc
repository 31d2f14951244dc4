#include "decode/draft/vocabulary.h"

#include <cstdlib>

#include "base/error.h"
#include "io/model_config.h"

namespace frugal {
namespace {

constexpr int64_t kPadding = 128;

void check_sizes(const Checkpoint& file, int64_t found, int64_t expected) {
  if (std::abs(found - expected) > kPadding)
    fail(ErrorCode::kBadInput, "draft", "{} has a vocabulary of {}, the target's has {}; expected the same one",
         file.path, found, expected);
}

}  // namespace

void check_same_vocabulary(const Checkpoint& file, const DraftTarget& target) {
  check_sizes(file, read_model_config(file).vocab, target.runner.vocab());
  if (target.tokenizer == nullptr) return;
  const auto other = make_tokenizer(read_tokenizer(file));
  check_sizes(file, other->size(), target.tokenizer->size());
  auto is_text = [&](int32_t id) {  // what files spell in their own ways has no text
    return !other->is_special(id) && !target.tokenizer->is_special(id) && id != other->spec().unk &&
           id != target.tokenizer->spec().unk;
  };
  for (int32_t id = 0; id < std::min(other->size(), target.tokenizer->size()); ++id)
    if (is_text(id) && other->bytes(id) != target.tokenizer->bytes(id))
      fail(ErrorCode::kBadInput, "draft", "token {} is '{}' in {}, '{}' in the target; expected the same vocabulary",
           id, other->bytes(id), file.path, target.tokenizer->bytes(id));
}

uint64_t fingerprint(const Tokenizer& tokenizer) {
  uint64_t hash = 0xcbf29ce484222325u;
  auto add = [&](uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3u; };
  for (int32_t id = 0; id < tokenizer.size(); ++id) {
    for (char c : tokenizer.bytes(id)) add(static_cast<uint8_t>(c));
    add(0xff);  // in no UTF-8 text
  }
  return hash;
}

}  // namespace frugal
