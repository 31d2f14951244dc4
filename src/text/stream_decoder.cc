#include "text/stream_decoder.h"

#include "text/utf8.h"

namespace frugal {
namespace {

constexpr char kReplacement[] = "\xef\xbf\xbd";  // U+FFFD

// text with every byte that begins no character replaced.
std::string clean(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t n = utf8_length(text);
    out += n == 1 && (text[0] & 0x80) ? kReplacement : text.substr(0, n);
    text.remove_prefix(n);
  }
  return out;
}

}  // namespace

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool keep_special, bool continues)
    : tokenizer_(&tokenizer), keep_special_(keep_special), at_start_(!continues) {}

std::string StreamDecoder::push(int32_t id) {
  if (tokenizer_->is_special(id) && !keep_special_) return "";
  tail_ += tokenizer_->shown(id, at_start_);
  const size_t whole = tail_.size() - utf8_incomplete_tail(tail_);
  std::string text = clean(std::string_view(tail_).substr(0, whole));
  tail_.erase(0, whole);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text = tail_.empty() ? "" : kReplacement;
  tail_.clear();
  return text;
}

}  // namespace frugal
