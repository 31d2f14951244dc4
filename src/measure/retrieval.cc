// Retrieval probes: what has to be found again stands at a chosen depth of a prompt of a chosen length.
#include <cmath>
#include <functional>

#include "base/error.h"
#include "base/rng.h"
#include "measure/probe.h"

namespace frugal {
namespace {

constexpr const char* kNouns[] = {"river",  "market", "teacher", "garden", "engine", "letter",  "window", "harbour",
                                  "forest", "doctor", "village", "violin", "bridge", "painter", "valley", "kitchen"};
constexpr const char* kVerbs[] = {"passed",     "followed",  "watched", "found",   "left",  "crossed",
                                  "remembered", "described", "reached", "painted", "heard", "visited"};
constexpr const char* kQualities[] = {"old",      "quiet", "bright", "narrow",  "famous", "tired",
                                      "cheerful", "green", "broken", "distant", "wooden", "early"};
constexpr const char* kTimes[] = {"in the morning",      "after the rain", "before the winter",   "on a long Sunday",
                                  "during the festival", "late at night",  "for the second time", "without a word"};

template <size_t N>
const char* pick(const char* const (&list)[N], Stream& random) {
  return list[random.bits() % N];
}

std::string sentence(Stream& random) {
  return fmt::format("The {} {} {} the {} {} {}. ", pick(kQualities, random), pick(kNouns, random),
                     pick(kVerbs, random), pick(kQualities, random), pick(kNouns, random), pick(kTimes, random));
}

std::string digits(Stream& random, int n) {
  std::string s;
  for (int i = 0; i < n; ++i) s += static_cast<char>('0' + random.bits() % 10);
  return s;
}

// A prompt in parts: unit(i) is one of those it is filled with, hidden stands among them at depth, tail asks.
struct Parts {
  std::function<std::string()> unit;
  std::string head, hidden, tail, answer;
};

// Adds units until the prompt has about length tokens; which unit comes at which depth is known only then.
Probe assemble(const Tokenizer& tokenizer, const Parts& parts, int64_t length, double depth) {
  const auto count = [&](const std::string& s) { return static_cast<int64_t>(tokenizer.encode(s).size()); };
  const int64_t room = length - count(parts.head + parts.hidden + parts.tail + parts.answer);
  std::vector<std::string> units;
  for (int64_t used = 0;;) {
    std::string u = parts.unit();
    used += std::max<int64_t>(1, count(u));
    if (used > room) break;
    units.push_back(std::move(u));
  }
  const size_t before = static_cast<size_t>(std::lround(depth * static_cast<double>(units.size())));
  std::string text = parts.head;
  for (size_t i = 0; i <= units.size(); ++i) {
    if (i == before) text += parts.hidden;
    if (i < units.size()) text += units[i];
  }
  text += parts.tail;
  return make_probe(tokenizer, text, parts.answer, fmt::format("{} tokens, depth {:g}", length, depth));
}

// make(random) gives the parts of one probe.
template <typename Make>
std::vector<Probe> each_place(const Tokenizer& tokenizer, const RetrievalOptions& o, Make make) {
  std::vector<Probe> probes;
  for (int64_t length : o.lengths)
    for (double depth : o.depths) {
      if (length < 64) fail(ErrorCode::kUsage, "eval", "found a length of {} tokens, expected at least 64", length);
      if (!(depth >= 0 && depth <= 1)) fail(ErrorCode::kUsage, "eval", "found a depth of {}, expected 0 to 1", depth);
      for (int i = 0; i < o.repeats; ++i) {
        Stream random = stream(o.seed, static_cast<uint64_t>(probes.size()), Purpose::kData);
        probes.push_back(assemble(tokenizer, make(random), length, depth));
      }
    }
  return probes;
}

// The sentences of a text, one after the other from a random one on, round and round.
std::vector<std::string> sentences_of(const std::string& text) {
  std::vector<std::string> list;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find_first_of(".!?", at);
    end = end == std::string::npos ? text.size() : std::min(text.size(), end + 2);
    list.push_back(text.substr(at, end - at));
    at = end;
  }
  return list;
}

}  // namespace

std::vector<Probe> needle_probes(const Tokenizer& tokenizer, const RetrievalOptions& options) {
  const auto real = sentences_of(options.text);
  return each_place(tokenizer, options, [&](Stream& random) {
    const std::string what = fmt::format("{} {}", pick(kQualities, random), pick(kNouns, random)),
                      number = digits(random, 5);
    Parts p;
    p.hidden = fmt::format("The secret number of the {} is {}. ", what, number);
    p.tail = fmt::format("\n\nWhat is the secret number of the {}? The secret number of the {} is", what, what);
    p.answer = " " + number;
    if (real.empty())
      p.unit = [own = random]() mutable { return sentence(own); };
    else
      p.unit = [&real, at = static_cast<size_t>(random.bits() % real.size())]() mutable {
        return real[at++ % real.size()];
      };
    return p;
  });
}

std::vector<Probe> key_value_probes(const Tokenizer& tokenizer, const RetrievalOptions& options) {
  return each_place(tokenizer, options, [&](Stream& random) {
    const std::string key = digits(random, 6), value = digits(random, 6);
    Parts p;
    p.head = "{\n";
    p.hidden = fmt::format("\"{}\": \"{}\",\n", key, value);
    p.tail = fmt::format("}}\n\nThe value of the key \"{}\" is:\n\"{}\": \"", key, key);
    p.answer = value + "\"";
    p.unit = [own = random]() mutable { return fmt::format("\"{}\": \"{}\",\n", digits(own, 6), digits(own, 6)); };
    return p;
  });
}

}  // namespace frugal
