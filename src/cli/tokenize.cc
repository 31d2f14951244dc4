// frugal tokenize: text to ids and back, and chat templates rendered.
#include <iostream>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "cli/verb.h"
#include "engine/chat.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

struct TokenizeFlags {
  std::string model, file, decode, chat;
  std::optional<std::string> text;
  TableFormat format;
  bool plain = false, literal = false, ids_only = false;
};

// Numbers apart by blanks, commas, newlines or brackets: as --json, --ids and other tools print them.
std::vector<int32_t> parse_ids(std::string text, int32_t size) {
  for (char& c : text)
    if (c == ',' || c == '[' || c == ']') c = ' ';
  std::istringstream in(text);
  std::vector<int32_t> ids;
  for (std::string word; in >> word;) {
    const bool digits = word.size() <= 9 && word.find_first_not_of("0123456789") == std::string::npos;
    const int32_t id = digits ? std::stoi(word) : -1;
    if (id < 0 || id >= size)
      fail(ErrorCode::kUsage, "tokenize", "--decode has '{}', expected ids below {}", word, size);
    ids.push_back(id);
  }
  return ids;
}

Json read_messages(const std::string& path) {
  const Json j = Json::parse(read_file(path), nullptr, false);
  if (j.is_discarded()) fail(ErrorCode::kBadInput, "tokenize", "{} is not JSON", path);
  const Json& list = j.is_object() && j.contains("messages") ? j["messages"] : j;
  if (!list.is_array())
    fail(ErrorCode::kBadInput, "tokenize",
         "{}: expected a list of {{\"role\", \"content\"}} or {{\"messages\": [...]}}", path);
  return list;
}

// A file of ids where there is one of that name, else the ids themselves.
std::string ids_text(const std::string& given) {
  const bool literal = !given.empty() && given.find_first_not_of("0123456789,[] \t\n") == std::string::npos;
  return literal ? given : read_file(given);
}

// What JSON can hold: bytes that are no UTF-8 of their own become U+FFFD.
std::string shown(const std::string& bytes) {
  const std::string dumped = Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(dumped).get<std::string>();
}

struct Tokens {
  std::vector<int32_t> ids;
  std::string text;
};

Tokens work_of(const TokenizeFlags& f, const Tokenizer& tokenizer) {
  const int given = f.text.has_value() + !f.file.empty() + !f.decode.empty() + !f.chat.empty();
  if (given != 1) fail(ErrorCode::kUsage, "tokenize", "found {} of -p, -f, --decode and --chat, expected one", given);
  if (!f.decode.empty()) {
    Tokens t{parse_ids(ids_text(f.decode), tokenizer.size()), ""};
    t.text = tokenizer.decode(t.ids, true);
    return t;
  }
  if (!f.chat.empty()) {
    const Chat chat(tokenizer);
    const Json messages = read_messages(f.chat);
    return {chat.ids(messages), chat.render(messages)};
  }
  const std::string text = f.file.empty() ? *f.text : read_file(f.file);
  return {tokenizer.encode(text, {.add_special = !f.plain, .parse_special = !f.literal}), text};
}

int run(const TokenizeFlags& f) {
  const Checkpoint file = Checkpoint::open(model_path(f.model));
  const auto tokenizer = make_tokenizer(read_tokenizer(file));
  const Tokens t = work_of(f, *tokenizer);
  Json pieces = Json::array(), rows = Json::array();
  for (size_t i = 0; i < t.ids.size(); ++i) {
    pieces.push_back(shown(std::string(tokenizer->bytes(t.ids[i]))));
    rows.push_back({{"place", i}, {"id", t.ids[i]}, {"piece", pieces.back().dump()}});
  }
  if (f.ids_only)
    std::cout << Json(t.ids).dump() << "\n";
  else if (f.format.is_json())
    std::cout << Json{{"ids", t.ids}, {"pieces", pieces}, {"text", shown(t.text)}}.dump() << "\n";
  else if (f.format.format == "table" && (!f.decode.empty() || !f.chat.empty()))
    std::cout << t.text << (f.decode.empty() && t.text.ends_with("\n") ? "" : "\n");
  else
    f.format.print(rows);
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto f = std::make_shared<TokenizeFlags>();
  app.add_option("MODEL,-m,--model", f->model, "a GGUF file, a Hugging Face directory, or a short name (frugal models)")
      ->required();
  app.add_option("-p,--prompt,TEXT", f->text, "the text");
  app.add_option("-f,--file", f->file, "a file with the text; - reads stdin");
  app.add_option("--decode", f->decode, "ids, or a file of them: their text");
  app.add_option("--chat", f->chat, "messages as JSON in a file: the prompt that the model's template makes of them");
  app.add_flag("--no-special", f->plain, "no begin or end token of the model's own");
  app.add_flag("--literal", f->literal, "control tokens written in the text are plain text");
  app.add_flag("--ids", f->ids_only, "print nothing but the ids");
  f->format.add(app);
  return [f] { return run(*f); };
}

const RegisterVerb kTokenize(
    {"tokenize", "text to ids and back, and chat templates rendered",
     "  frugal tokenize smollm2-135m -p \"Hello, world\"\n  frugal tokenize smollm2-135m --decode 19556,28,905\n"
     "  frugal tokenize smollm2-135m --chat messages.json --json",
     set_up});

}  // namespace
}  // namespace frugal
