// The plain and the space splitter (words.h): one scan over bytes by a table of classes; characters beyond ASCII ask
// the class table of text/. Cost: about a nanosecond a byte.
#include <array>

#include "data/hash.h"
#include "data/words/words.h"
#include "text/jinja/unicode.h"
#include "text/unicode.h"

namespace frugal::data {
namespace {

constexpr uint8_t kSign = 0, kBlank = 1, kAlpha = 2, kDigit = 3, kHigh = 4;

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> table{};
  for (size_t c = 0; c < 256; ++c) {
    const bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
    const bool blank = c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
    table[c] = c >= 0x80 ? kHigh : letter ? kAlpha : c >= '0' && c <= '9' ? kDigit : blank ? kBlank : kSign;
  }
  return table;
}
constexpr std::array<uint8_t, 256> kClasses = make_classes();
inline uint8_t class_at(std::string_view text, size_t at) {
  return at < text.size() ? kClasses[static_cast<unsigned char>(text[at])] : kBlank;
}

class Plain : public WordSplitter {
 public:
  void split(std::string_view text, Words& out) override {
    out.clear();
    text_ = text;
    for (at_ = 0; at_ < text.size();) {
      switch (class_at(text, at_)) {
        case kBlank: ++at_; break;
        case kSign: sign(out); break;
        case kHigh: high_start(out); break;
        default: word(out, 0, false);
      }
    }
  }

 private:
  void put(Words& out, size_t begin, size_t continuation, uint8_t flags) const {
    const size_t size = at_ - begin;
    out.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(size),
                   static_cast<uint32_t>(size - continuation), flags, hash_bytes(text_.substr(begin, size))});
  }

  void sign(Words& out) {
    const size_t begin = at_;
    const char c = text_[at_++];
    while (at_ < text_.size() && text_[at_] == c) ++at_;
    put(out, begin, 0, symbol_character(static_cast<unsigned char>(c)) ? Word::kSymbolsOnly : uint8_t{0});
  }

  void high_start(Words& out) {
    const Char c = char_at(classes_, text_, at_);
    if (c.is(kLetter | kNumber | kMark)) return word(out, 0, false);
    const size_t begin = at_;
    at_ += c.size;
    if (c.code != kNoChar && jinja::is_space(c.code)) return;
    put(out, begin, c.size - 1u, c.code != kNoChar && symbol_character(c.code) ? Word::kSymbolsOnly : uint8_t{0});
  }

  // A word begins at at_, or goes on there after a joiner.
  void word(Words& out, size_t continuation, bool alpha) {
    const size_t begin = at_;
    for (;;) {
      const uint8_t k = class_at(text_, at_);
      if (k == kAlpha) {
        alpha = true;
        ++at_;
      } else if (k == kDigit) {  // NOLINT(bugprone-branch-clone): a sign, below, has to join first
        ++at_;
      } else if (k == kHigh ? !high_inside(begin, continuation, alpha) : k == kBlank || !joins(begin, 1)) {
        break;
      } else if (k == kSign) {
        ++at_;
      }
    }
    put(out, begin, continuation, alpha ? Word::kAlpha : uint8_t{0});
  }

  // Takes a character beyond ASCII into the word, if it belongs there.
  bool high_inside(size_t begin, size_t& continuation, bool& alpha) {
    const Char c = char_at(classes_, text_, at_);
    if (!c.is(kLetter | kNumber | kMark) && !(c.code == 0x2019 && joins(begin, 3))) return false;
    alpha |= c.is(kLetter);
    continuation += c.size - 1u;
    at_ += c.size;
    return true;
  }

  // Does the sign of `size` bytes at at_ join what stands before it in the word and what comes after?
  bool joins(size_t begin, size_t size) const {
    if (at_ == begin) return false;
    const uint8_t before = class_at(text_, at_ - 1), after = class_at(text_, at_ + size);
    const char c = text_[at_];
    if (c == '.' || c == ',') return before == kDigit && after == kDigit;
    if (c != '\'' && size == 1) return false;
    return (before == kAlpha || before == kHigh) &&
           (after == kAlpha || (after == kHigh && char_at(classes_, text_, at_ + size).is(kLetter)));
  }

  const ClassTable& classes_ = ClassTable::get();
  std::string_view text_;
  size_t at_ = 0;
};

class Space : public WordSplitter {
 public:
  void split(std::string_view text, Words& out) override {
    out.clear();
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      Word w{static_cast<uint32_t>(begin), 0, 0, Word::kSymbolsOnly, 0};
      while (at < text.size() && take(text, at, w)) {
      }
      w.size = static_cast<uint32_t>(at - begin);
      if (w.size == 0) {
        at += at < text.size() ? char_at(classes_, text, at).size : 0u;
        continue;
      }
      w.hash = hash_bytes(text.substr(begin, w.size));
      out.push_back(w);
    }
  }

 private:
  bool take(std::string_view text, size_t& at, Word& w) const {
    const Char c = char_at(classes_, text, at);
    const uint32_t code = c.code == kNoChar ? 0xfffd : c.code;
    if (jinja::is_space(code)) return false;
    if (c.is(kLetter)) w.flags |= Word::kAlpha;
    if (!symbol_character(code)) w.flags &= static_cast<uint8_t>(~Word::kSymbolsOnly);
    ++w.characters;
    at += c.size;
    return true;
  }
  const ClassTable& classes_ = ClassTable::get();
};

}  // namespace

std::unique_ptr<WordSplitter> make_plain_splitter() { return std::make_unique<Plain>(); }
std::unique_ptr<WordSplitter> make_space_splitter() { return std::make_unique<Space>(); }

}  // namespace frugal::data
