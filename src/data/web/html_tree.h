// A page as a flat list of nodes in document order, from MyHTML's parse of it by the HTML standard's rules.
//
// Texts and attributes are views into memory that the tree owns. Nothing here recurses, so a page of a million nested
// elements takes memory and no stack. A parser is reused for the next page: one a thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace frugal::data {

// Elements that extraction knows by name; all others are kOther.
enum class Tag : uint8_t {
  kText,
  kOther,
  kHtml,
  kHead,
  kBody,
  kTitle,
  kScript,
  kStyle,
  kNoscript,
  kTemplate,
  kSvg,
  kMath,
  kAnnotation,
  kIframe,
  kObject,
  kVideo,
  kAudio,
  kCanvas,
  kImg,
  kBr,
  kHr,
  kP,
  kDiv,
  kSpan,
  kA,
  kH1,
  kH2,
  kH3,
  kH4,
  kH5,
  kH6,
  kUl,
  kOl,
  kLi,
  kDl,
  kDt,
  kDd,
  kTable,
  kTbody,
  kTr,
  kTd,
  kTh,
  kCaption,
  kPre,
  kCode,
  kBlockquote,
  kFigure,
  kFigcaption,
  kMain,
  kArticle,
  kSection,
  kNav,
  kHeader,
  kFooter,
  kAside,
  kForm,
  kInput,
  kButton,
  kSelect,
  kTextarea,
  kLabel,
  kFieldset,
  kDialog,
  kDetails,
  kSummary,
  kAddress
};

struct Node {
  Tag tag = Tag::kOther;
  uint32_t parent = 0;                  // the root's is itself
  uint32_t end = 0;                     // one past the last node below it
  std::string_view text;                // of kText; alt text of kImg
  std::string_view names, role, style;  // names: class and id, one after the other
  bool hidden = false;                  // hidden, aria-hidden="true"
};

constexpr int kDeepest = 3000;

struct HtmlTree {
  std::vector<Node> nodes;  // nodes[0] is the root element
  bool too_deep = false;    // not parsed: kDeepest elements in each other would take a parser's square of them
  std::string_view title;
};

class HtmlParser {
 public:
  HtmlParser();
  ~HtmlParser();
  HtmlParser(const HtmlParser&) = delete;
  HtmlParser& operator=(const HtmlParser&) = delete;
  // The tree is valid until the next call. Empty for text that has no element.
  const HtmlTree& parse(std::string_view html);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace frugal::data
