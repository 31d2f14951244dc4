#include "data/web/boilerplate.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>

namespace frugal::data {
namespace {

// Words of class and id that stand for frames, whole words only.
const std::unordered_set<std::string_view>& frame_words() {
  static const std::unordered_set<std::string_view> words = {"nav",
                                                             "navbar",
                                                             "navigation",
                                                             "navi",
                                                             "menu",
                                                             "menus",
                                                             "submenu",
                                                             "megamenu",
                                                             "topbar",
                                                             "topnav",
                                                             "masthead",
                                                             "sidebar",
                                                             "sidenav",
                                                             "sidebars",
                                                             "footer",
                                                             "foot",
                                                             "colophon",
                                                             "cookie",
                                                             "cookies",
                                                             "consent",
                                                             "gdpr",
                                                             "ccpa",
                                                             "onetrust",
                                                             "breadcrumb",
                                                             "breadcrumbs",
                                                             "crumbs",
                                                             "share",
                                                             "sharing",
                                                             "sharebar",
                                                             "addtoany",
                                                             "social",
                                                             "socials",
                                                             "newsletter",
                                                             "subscribe",
                                                             "subscription",
                                                             "signup",
                                                             "signin",
                                                             "login",
                                                             "logout",
                                                             "modal",
                                                             "popup",
                                                             "overlay",
                                                             "lightbox",
                                                             "tooltip",
                                                             "dropdown",
                                                             "offcanvas",
                                                             "advert",
                                                             "advertisement",
                                                             "advertising",
                                                             "ads",
                                                             "adsense",
                                                             "adslot",
                                                             "adunit",
                                                             "sponsor",
                                                             "sponsored",
                                                             "promo",
                                                             "promos",
                                                             "related",
                                                             "recommended",
                                                             "recommendations",
                                                             "recommendation",
                                                             "recirc",
                                                             "taboola",
                                                             "outbrain",
                                                             "pagination",
                                                             "pager",
                                                             "paging",
                                                             "pagenav",
                                                             "skip",
                                                             "skiplink",
                                                             "toolbar",
                                                             "searchbox",
                                                             "searchform",
                                                             "search",
                                                             "widget",
                                                             "widgets",
                                                             "copyright",
                                                             "disclaimer",
                                                             "printonly",
                                                             "noprint",
                                                             "hidden",
                                                             "toast",
                                                             "snackbar",
                                                             "flyout",
                                                             "drawer",
                                                             "minicart",
                                                             "cart",
                                                             "wishlist",
                                                             "banner",
                                                             "filters",
                                                             "filter",
                                                             "facets",
                                                             "facet",
                                                             "sorting",
                                                             "sort",
                                                             "signature",
                                                             "avatar",
                                                             "userinfo",
                                                             "postbit",
                                                             "jump",
                                                             "language",
                                                             "languages",
                                                             "locale",
                                                             "captcha",
                                                             "sitemap"};
  return words;
}

// Calls visit(word) for each word of names: parts between other signs, cut before capitals inside (camelCase), lower
// case.
template <typename Visit>
bool any_word(std::string_view names, Visit visit) {
  std::string word;
  for (size_t i = 0; i <= names.size(); ++i) {
    const char c = i < names.size() ? names[i] : ' ';
    const bool upper = c >= 'A' && c <= 'Z', letter = upper || (c >= 'a' && c <= 'z');
    const bool begins = upper && i > 0 && names[i - 1] >= 'a' && names[i - 1] <= 'z';
    if ((!letter || begins) && !word.empty()) {
      if (visit(word)) return true;
      word.clear();
    }
    if (letter) word += static_cast<char>(upper ? c + 32 : c);
  }
  return false;
}

// Names made from a heading ("sharing-with-a-single-developer") say what a section is about, not what it is for: four
// words and more, one of them such as sentences have and names of parts have not.
bool sentence(std::string_view name) {
  static const std::unordered_set<std::string_view> kJoints = {"a",   "an", "the", "of",   "and",  "or", "with",
                                                               "for", "is", "are", "from", "your", "my"};
  int count = 0, joints = 0;
  any_word(name, [&](const std::string& w) { return ++count, joints += kJoints.contains(w) ? 1 : 0, false; });
  return count >= 4 && joints > 0;
}

// Is one of the names, parted by blanks, that of a frame?
bool names_frame(std::string_view names) {
  const auto& words = frame_words();
  const auto known = [&](const std::string& w) { return words.contains(w); };
  while (!names.empty()) {
    const size_t blank = std::min(names.find(' '), names.size());
    const std::string_view name = names.substr(0, blank);
    if (any_word(name, known) && !sentence(name)) return true;
    names.remove_prefix(std::min(blank + 1, names.size()));
  }
  return false;
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool shows_nothing(std::string_view style) {
  std::string tight;
  for (char c : style)
    if (c != ' ') tight += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return tight.find("display:none") != std::string::npos || tight.find("visibility:hidden") != std::string::npos;
}

Frame by_tag(Tag tag) {
  switch (tag) {
    case Tag::kHead:
    case Tag::kScript:
    case Tag::kStyle:
    case Tag::kNoscript:
    case Tag::kTemplate:
    case Tag::kSvg:
    case Tag::kIframe:
    case Tag::kObject:
    case Tag::kVideo:
    case Tag::kAudio:
    case Tag::kCanvas:
    case Tag::kInput:
    case Tag::kButton:
    case Tag::kSelect:
    case Tag::kTextarea:
    case Tag::kDialog: return Frame::kNever;
    case Tag::kNav:
    case Tag::kFooter:
    case Tag::kAside: return Frame::kFrame;
    default: return Frame::kNone;
  }
}

}  // namespace

Frame frame_of(const Node& node) {
  if (node.tag == Tag::kText) return Frame::kNone;
  if (const Frame f = by_tag(node.tag); f != Frame::kNone) return f;
  if (node.hidden || (!node.style.empty() && shows_nothing(node.style))) return Frame::kNever;
  if (one_of(node.role, {"navigation", "banner", "contentinfo", "complementary", "search", "dialog", "alertdialog",
                         "menu", "menubar", "toolbar", "tooltip", "listbox"}))
    return Frame::kFrame;
  if (node.names.empty() || node.tag == Tag::kBody || node.tag == Tag::kHtml || node.tag == Tag::kMain ||
      node.tag == Tag::kArticle)
    return Frame::kNone;
  return names_frame(node.names) ? Frame::kNamed : Frame::kNone;
}

}  // namespace frugal::data
