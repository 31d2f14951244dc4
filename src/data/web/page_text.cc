// Main-content extraction in four linear passes over a page's nodes.
//
//  1 Measure: words of text and of link text below every node.
//  2 Frame: what HTML or its authors call navigation, footer, advertisement, consent is taken out (boilerplate.h); a
//  frame by
//    name only where it does not hold half of the page's words.
//  3 Scope: <main>, or the one <article>, when it holds a good part of what is left.
//  4 Blocks: text is cut at block elements; runs of blocks that are mostly links are menus and go; short blocks go with
//  their
//    neighbours, as in C. Kohlschuetter et al., "Boilerplate Detection using Shallow Text Features", WSDM 2010, and J.
//    Pomikalek, "Removing Boilerplate and Duplicate Content from Web Corpora" (jusText), 2011.
#include "data/web/page_text.h"

#include <algorithm>
#include <vector>

#include "data/web/boilerplate.h"

namespace frugal::data {
namespace {

bool blank(char c) { return c == ' ' || (c >= 9 && c <= 13); }

size_t words_in(std::string_view text) {
  size_t n = 0;
  bool inside = false;
  for (char c : text) {
    const bool b = blank(c);
    n += !b && !inside ? 1 : 0;
    inside = !b;
  }
  return n;
}

bool is_heading(Tag t) { return t >= Tag::kH1 && t <= Tag::kH6; }

// Does the element begin a line of its own?
bool is_block(Tag t) {
  switch (t) {
    case Tag::kText:
    case Tag::kOther:
    case Tag::kSpan:
    case Tag::kA:
    case Tag::kImg:
    case Tag::kCode:
    case Tag::kLabel:
    case Tag::kMath:
    case Tag::kAnnotation: return false;
    default: return true;
  }
}

constexpr uint32_t kFew = 60;  // words: less is no page

struct Block {
  std::string text;
  size_t words = 0, link_words = 0;
  Tag tag = Tag::kDiv;  // the nearest that says what the text is
  uint32_t node = 0;
  bool code = false;
  bool keep = true;
};

class Page {
 public:
  explicit Page(const HtmlTree& tree)
      : nodes_(tree.nodes), words_(nodes_.size()), links_(nodes_.size()), gone_(nodes_.size()) {}

  std::string text() {
    if (nodes_.empty()) return {};
    take_out([&](size_t, Frame f) { return f == Frame::kNever; });
    if (words_[0] < kFew) {  // written for browsers without scripts, as many forums are
      std::fill(gone_.begin(), gone_.end(), false);
      take_out([&](size_t i, Frame f) { return f == Frame::kNever && nodes_[i].tag != Tag::kNoscript; });
    }
    const uint32_t all = words_[0];
    take_out([&](size_t i, Frame f) {
      return (f == Frame::kFrame || (nodes_[i].tag == Tag::kHeader && !inside_content(i))) &&
             words_[i] * 2 <= words_[0];
    });
    const std::vector<bool> before = gone_;
    take_out([&](size_t i, Frame f) { return f == Frame::kNamed && words_[i] * 3 <= words_[0]; });
    if (words_[0] * 4 < all) {  // names took away what they should not
      gone_ = before;
      measure();
    }
    cut_blocks(find_scope());
    drop_menus();
    return print();
  }

 private:
  // words_ and links_ of every node that is not gone.
  void measure() {
    std::fill(words_.begin(), words_.end(), 0u);
    std::fill(links_.begin(), links_.end(), 0u);
    for (size_t i = nodes_.size(); i-- > 0;) {
      const Node& n = nodes_[i];
      if (gone_[i])
        words_[i] = links_[i] = 0;
      else if (n.tag == Tag::kText)
        words_[i] = static_cast<uint32_t>(words_in(n.text));
      if (n.tag == Tag::kA) links_[i] = words_[i];
      if (i == 0) break;
      words_[n.parent] += words_[i];
      links_[n.parent] += links_[i];
    }
  }

  // Takes out what `wanted` says, whole elements, and measures again.
  template <typename Wanted>
  void take_out(Wanted wanted) {
    for (size_t i = 0; i < nodes_.size();) {
      if (!gone_[i] && !wanted(i, frame_of(nodes_[i]))) {
        ++i;
        continue;
      }
      std::fill(gone_.begin() + static_cast<std::ptrdiff_t>(i), gone_.begin() + nodes_[i].end, true);
      i = nodes_[i].end;
    }
    measure();
  }

  bool inside_content(size_t i) const {
    for (; i > 0; i = nodes_[i].parent)
      if (nodes_[i].tag == Tag::kMain || nodes_[i].tag == Tag::kArticle) return true;
    return false;
  }

  uint32_t find_scope() const {
    uint32_t main = 0, article = 0, articles = 0;
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
      if (gone_[i]) continue;
      if ((nodes_[i].tag == Tag::kMain || nodes_[i].role == "main") && words_[i] > words_[main] * (main == 0 ? 0 : 1))
        main = i;
      if (nodes_[i].tag == Tag::kArticle && words_[i] > 0) {
        ++articles;
        if (article == 0 || words_[i] > words_[article]) article = i;
      }
    }
    uint32_t scope = 0;
    if (main != 0 && words_[main] * 10 >= words_[0] * 3) scope = main;
    if (article != 0 && words_[article] * 10 >= words_[scope] * 6) scope = article;
    return scope;
  }

  void cut_blocks(uint32_t scope) {
    uint32_t link_end = 0, code_end = 0;
    Block block;
    const auto flush = [&] {
      if (block.words > 0) blocks_.push_back(std::move(block));
      block = Block();
    };
    std::vector<uint32_t> open;  // blocks whose end is to come
    for (uint32_t i = scope; i < nodes_[scope].end; ++i) {
      while (!open.empty() && open.back() <= i) {
        flush();
        open.pop_back();
      }
      if (gone_[i]) continue;
      const Node& n = nodes_[i];
      if (n.tag == Tag::kA) link_end = std::max(link_end, n.end);
      if (n.tag == Tag::kPre) code_end = std::max(code_end, n.end);
      if (is_block(n.tag)) {
        flush();
        open.push_back(n.end);
      }
      if (n.tag == Tag::kAnnotation || (n.tag == Tag::kMath && !n.text.empty())) {
        // what the formula was written as stands for it
        if (n.tag == Tag::kMath) {
          add(block, n.text, i, false, false);
          i = n.end - 1;
        }
        continue;
      }
      if (n.tag == Tag::kText) add(block, n.text, i, i < link_end, i < code_end);
    }
    flush();
  }

  void add(Block& block, std::string_view text, uint32_t node, bool link, bool code) {
    const size_t words = words_in(text);
    if (block.words == 0 && words > 0) {
      block.node = node;
      block.code = code;
      for (uint32_t i = nodes_[node].parent;; i = nodes_[i].parent) {
        if (is_block(nodes_[i].tag)) {
          block.tag = nodes_[i].tag;
          break;
        }
        if (i == 0) break;
      }
    }
    block.words += words;
    block.link_words += link ? words : 0;
    if (code) {
      block.text += text;
      return;
    }
    for (char c : text) {
      if (!blank(c))
        block.text += c;
      else if (!block.text.empty() && block.text.back() != ' ')
        block.text += ' ';
    }
  }

  void drop_menus() {
    // runs of blocks that are nothing but links
    for (size_t i = 0; i < blocks_.size();) {
      size_t end = i;
      while (end < blocks_.size() && mostly_links(blocks_[end])) ++end;
      if (end - i >= 4)
        for (size_t k = i; k < end; ++k)
          if (blocks_[k].words < 12) blocks_[k].keep = false;
      i = std::max(end, i + 1);
    }
  }
  static bool mostly_links(const Block& b) { return !is_heading(b.tag) && b.link_words * 10 >= b.words * 8; }

  std::string print() const {
    std::string out;
    Tag before = Tag::kP;
    for (const Block& b : blocks_) {
      if (!b.keep) continue;
      std::string_view text = b.text;
      if (!b.code)
        while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
      const bool list =
          (b.tag == Tag::kLi || b.tag == Tag::kTd || b.tag == Tag::kTh || b.tag == Tag::kDt || b.tag == Tag::kDd) &&
          b.tag == before;
      if (!out.empty()) out += list ? "\n" : "\n\n";
      out += text;
      before = b.tag;
    }
    return out;
  }

  const std::vector<Node>& nodes_;
  std::vector<uint32_t> words_, links_;
  std::vector<bool> gone_;
  std::vector<Block> blocks_;
};

}  // namespace

std::string main_text(const HtmlTree& page) { return Page(page).text(); }

}  // namespace frugal::data
