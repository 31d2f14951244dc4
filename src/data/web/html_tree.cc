#include "data/web/html_tree.h"

#include <myhtml/api.h>

#include <algorithm>
#include <new>

namespace frugal::data {
namespace {

// MyHTML numbers its tags by the order of their names; the table goes from its numbers to ours.
constexpr std::pair<unsigned, Tag> kTags[] = {{MyHTML_TAG_HTML, Tag::kHtml},
                                              {MyHTML_TAG_HEAD, Tag::kHead},
                                              {MyHTML_TAG_BODY, Tag::kBody},
                                              {MyHTML_TAG_TITLE, Tag::kTitle},
                                              {MyHTML_TAG_SCRIPT, Tag::kScript},
                                              {MyHTML_TAG_STYLE, Tag::kStyle},
                                              {MyHTML_TAG_NOSCRIPT, Tag::kNoscript},
                                              {MyHTML_TAG_TEMPLATE, Tag::kTemplate},
                                              {MyHTML_TAG_SVG, Tag::kSvg},
                                              {MyHTML_TAG_MATH, Tag::kMath},
                                              {MyHTML_TAG_IFRAME, Tag::kIframe},
                                              {MyHTML_TAG_OBJECT, Tag::kObject},
                                              {MyHTML_TAG_VIDEO, Tag::kVideo},
                                              {MyHTML_TAG_AUDIO, Tag::kAudio},
                                              {MyHTML_TAG_CANVAS, Tag::kCanvas},
                                              {MyHTML_TAG_IMG, Tag::kImg},
                                              {MyHTML_TAG_BR, Tag::kBr},
                                              {MyHTML_TAG_HR, Tag::kHr},
                                              {MyHTML_TAG_P, Tag::kP},
                                              {MyHTML_TAG_DIV, Tag::kDiv},
                                              {MyHTML_TAG_SPAN, Tag::kSpan},
                                              {MyHTML_TAG_A, Tag::kA},
                                              {MyHTML_TAG_H1, Tag::kH1},
                                              {MyHTML_TAG_H2, Tag::kH2},
                                              {MyHTML_TAG_H3, Tag::kH3},
                                              {MyHTML_TAG_H4, Tag::kH4},
                                              {MyHTML_TAG_H5, Tag::kH5},
                                              {MyHTML_TAG_H6, Tag::kH6},
                                              {MyHTML_TAG_UL, Tag::kUl},
                                              {MyHTML_TAG_OL, Tag::kOl},
                                              {MyHTML_TAG_LI, Tag::kLi},
                                              {MyHTML_TAG_DL, Tag::kDl},
                                              {MyHTML_TAG_DT, Tag::kDt},
                                              {MyHTML_TAG_DD, Tag::kDd},
                                              {MyHTML_TAG_TABLE, Tag::kTable},
                                              {MyHTML_TAG_TBODY, Tag::kTbody},
                                              {MyHTML_TAG_TR, Tag::kTr},
                                              {MyHTML_TAG_TD, Tag::kTd},
                                              {MyHTML_TAG_TH, Tag::kTh},
                                              {MyHTML_TAG_CAPTION, Tag::kCaption},
                                              {MyHTML_TAG_PRE, Tag::kPre},
                                              {MyHTML_TAG_CODE, Tag::kCode},
                                              {MyHTML_TAG_BLOCKQUOTE, Tag::kBlockquote},
                                              {MyHTML_TAG_FIGURE, Tag::kFigure},
                                              {MyHTML_TAG_FIGCAPTION, Tag::kFigcaption},
                                              {MyHTML_TAG_MAIN, Tag::kMain},
                                              {MyHTML_TAG_ARTICLE, Tag::kArticle},
                                              {MyHTML_TAG_SECTION, Tag::kSection},
                                              {MyHTML_TAG_NAV, Tag::kNav},
                                              {MyHTML_TAG_HEADER, Tag::kHeader},
                                              {MyHTML_TAG_FOOTER, Tag::kFooter},
                                              {MyHTML_TAG_ASIDE, Tag::kAside},
                                              {MyHTML_TAG_FORM, Tag::kForm},
                                              {MyHTML_TAG_INPUT, Tag::kInput},
                                              {MyHTML_TAG_BUTTON, Tag::kButton},
                                              {MyHTML_TAG_SELECT, Tag::kSelect},
                                              {MyHTML_TAG_TEXTAREA, Tag::kTextarea},
                                              {MyHTML_TAG_LABEL, Tag::kLabel},
                                              {MyHTML_TAG_FIELDSET, Tag::kFieldset},
                                              {MyHTML_TAG_DIALOG, Tag::kDialog},
                                              {MyHTML_TAG_DETAILS, Tag::kDetails},
                                              {MyHTML_TAG_SUMMARY, Tag::kSummary},
                                              {MyHTML_TAG_ADDRESS, Tag::kAddress}};

Tag tag_of(unsigned id) {
  static const std::vector<Tag> table = [] {
    std::vector<Tag> t(MyHTML_TAG_LAST_ENTRY + 1, Tag::kOther);
    for (const auto& [number, tag] : kTags) t[number] = tag;
    return t;
  }();
  return id < table.size() ? table[id] : Tag::kOther;
}

// Elements that end where another begins, hold nothing, or only change the look: they do not nest.
bool nests(std::string_view name) {
  static constexpr std::string_view kFlat[] = {
      "a",     "area",   "b",     "base",  "basefont", "big",   "br",     "code",   "col",    "colgroup", "dd",
      "dt",    "em",     "embed", "font",  "hr",       "i",     "img",    "input",  "li",     "link",     "meta",
      "nobr",  "option", "p",     "param", "s",        "small", "source", "strike", "strong", "tbody",    "td",
      "tfoot", "th",     "thead", "tr",    "track",    "tt",    "u",      "wbr"};
  return !std::binary_search(std::begin(kFlat), std::end(kFlat), name);
}

// A bound on how deep elements stand in each other, by counting tags: good enough to tell a page from a bomb.
bool nests_too_deep(std::string_view html) {
  int depth = 0;
  for (size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
    const bool closes = at + 1 < html.size() && html[at + 1] == '/';
    char name[12];
    size_t n = 0;
    for (size_t i = at + (closes ? 2 : 1);
         n < sizeof name && i < html.size() && (html[i] | 32) >= 'a' && (html[i] | 32) <= 'z'; ++i)
      name[n++] = static_cast<char>(html[i] | 32);
    if (n == 0 || !nests({name, n})) continue;
    depth = closes ? std::max(depth - 1, 0) : depth + 1;
    if (depth > kDeepest) return true;
  }
  return false;
}

}  // namespace

struct HtmlParser::State {
  myhtml_t* parser = nullptr;
  myhtml_tree_t* tree = nullptr;
  HtmlTree out;
  std::string cleaned;                               // the page without NUL bytes, where it has some
  std::vector<std::unique_ptr<std::string>> joined;  // names made of class and id

  void walk(myhtml_tree_node_t* root);
  Node read(myhtml_tree_node_t* node, uint32_t parent);
  void attributes(myhtml_tree_node_t* node, Node& n);
};

void HtmlParser::State::attributes(myhtml_tree_node_t* node, Node& n) {
  std::string_view id, classes;
  for (myhtml_tree_attr_t* a = myhtml_node_attribute_first(node); a != nullptr; a = myhtml_attribute_next(a)) {
    size_t key_size = 0, value_size = 0;
    const char* key_text = myhtml_attribute_key(a, &key_size);
    const char* value_text = myhtml_attribute_value(a, &value_size);
    if (key_text == nullptr) continue;
    const std::string_view key(key_text, key_size),
        value(value_text == nullptr ? "" : value_text, value_text == nullptr ? 0 : value_size);
    if (key == "class")
      classes = value;
    else if (key == "id")
      id = value;
    else if (key == "role")
      n.role = value;
    else if (key == "style")
      n.style = value;
    else if (key == "hidden" || (key == "aria-hidden" && value == "true"))
      n.hidden = true;
    else if ((key == "alt" && n.tag == Tag::kImg) || (key == "alttext" && n.tag == Tag::kMath))
      n.text = value;
  }
  n.names = classes;
  if (id.empty()) return;
  if (classes.empty()) return void(n.names = id);
  joined.push_back(std::make_unique<std::string>(std::string(classes) + " " + std::string(id)));
  n.names = *joined.back();
}

Node HtmlParser::State::read(myhtml_tree_node_t* node, uint32_t parent) {
  Node n;
  n.parent = parent;
  const auto id = static_cast<unsigned>(myhtml_node_tag_id(node));
  if (id == MyHTML_TAG__TEXT) {
    size_t size = 0;
    const char* text = myhtml_node_text(node, &size);
    n.tag = Tag::kText;
    n.text = text == nullptr ? std::string_view() : std::string_view(text, size);
    return n;
  }
  n.tag = tag_of(id);
  if (n.tag == Tag::kOther) {
    size_t size = 0;
    const char* name = myhtml_tag_name_by_id(tree, id, &size);
    if (name != nullptr && std::string_view(name, size) == "annotation") n.tag = Tag::kAnnotation;
  }
  attributes(node, n);
  return n;
}

// Depth first without a stack of its own: MyHTML's nodes know their parents.
void HtmlParser::State::walk(myhtml_tree_node_t* root) {
  myhtml_tree_node_t* node = root;
  uint32_t parent = 0;
  std::vector<Node>& nodes = out.nodes;
  while (node != nullptr) {
    const auto at = static_cast<uint32_t>(nodes.size());
    if (myhtml_node_tag_id(node) != MyHTML_TAG__COMMENT) nodes.push_back(read(node, parent));
    if (myhtml_tree_node_t* child = myhtml_node_child(node); child != nullptr && at < nodes.size()) {
      parent = at;
      node = child;
      continue;
    }
    if (at < nodes.size()) nodes[at].end = at + 1;
    while (node != root && myhtml_node_next(node) == nullptr) {
      node = myhtml_node_parent(node);
      nodes[parent].end = static_cast<uint32_t>(nodes.size());
      parent = nodes[parent].parent;
    }
    if (node == root) break;
    node = myhtml_node_next(node);
  }
  if (!nodes.empty()) nodes[0].end = static_cast<uint32_t>(nodes.size());
}

namespace {

// Without what makes MyHTML copy memory over itself as it merges texts: NUL bytes, and a tag that the text's end cuts.
// The standard drops both (the former in the body).
std::string_view parsed_part(std::string_view html, std::string& room) {
  const size_t tag = html.rfind('<');
  if (tag != std::string_view::npos && html.find('>', tag) == std::string_view::npos) {
    const size_t name = tag + (html.substr(tag + 1).starts_with('/') ? 2 : 1);
    if (name < html.size() && (html[name] | 32) >= 'a' && (html[name] | 32) <= 'z') html = html.substr(0, tag);
  }
  if (html.find('\0') == std::string_view::npos) return html;
  room = html;
  std::erase(room, '\0');
  return room;
}

}  // namespace

HtmlParser::HtmlParser() : state_(std::make_unique<State>()) {
  state_->parser = myhtml_create();
  state_->tree = myhtml_tree_create();
  if (state_->parser == nullptr || state_->tree == nullptr ||
      myhtml_init(state_->parser, MyHTML_OPTIONS_PARSE_MODE_SINGLE, 1, 0) != 0 ||
      myhtml_tree_init(state_->tree, state_->parser) != 0)
    throw std::bad_alloc();
}

HtmlParser::~HtmlParser() {
  myhtml_tree_destroy(state_->tree);
  myhtml_destroy(state_->parser);
}

const HtmlTree& HtmlParser::parse(std::string_view html) {
  State& s = *state_;
  s.out.nodes.clear();
  s.out.title = {};
  s.joined.clear();
  s.out.too_deep = nests_too_deep(html);
  if (s.out.too_deep) return s.out;
  myhtml_tree_clean(s.tree);
  html = parsed_part(html, s.cleaned);
  if (myhtml_parse(s.tree, MyENCODING_UTF_8, html.data(), html.size()) != 0) return s.out;
  if (myhtml_tree_node_t* root = myhtml_tree_get_node_html(s.tree)) s.walk(root);
  for (size_t i = 0; i + 1 < s.out.nodes.size() && s.out.title.empty(); ++i)
    if (s.out.nodes[i].tag == Tag::kTitle && s.out.nodes[i + 1].tag == Tag::kText)
      s.out.title = s.out.nodes[i + 1].text;
  return s.out;
}

}  // namespace frugal::data
