// Functions that every template sees: those of jinja2 that make sense here and the two that transformers
// adds.
#include <ctime>

#include "text/jinja/bind.h"

namespace frugal::jinja {
namespace {

Value function_range(Interpreter& interpreter, Arguments& arguments) {
  const auto& given = arguments.positional;
  if (given.empty() || given.size() > 3 || !arguments.named.empty())
    raise("range expected 1 to 3 arguments, got {}", given.size());
  const int64_t start = given.size() > 1 ? integer_or(&given[0], 0) : 0;
  const int64_t stop = integer_or(&given[given.size() > 1 ? 1 : 0], 0);
  const int64_t step = given.size() > 2 ? integer_or(&given[2], 0) : 1;
  if (step == 0) raise("range() arg 3 must not be zero");
  const bool runs = step > 0 ? start < stop : start > stop;
  const uint64_t span = !runs ? 0 : step > 0 ? uint64_t(stop) - uint64_t(start) : uint64_t(start) - uint64_t(stop);
  const uint64_t stride = step > 0 ? uint64_t(step) : 0 - uint64_t(step);
  const uint64_t count = span == 0 ? 0 : (span - 1) / stride + 1;
  if (count > uint64_t{kMaxRange}) raise("Range too big. The sandbox blocks ranges larger than {}.", kMaxRange);
  interpreter.charge(count);
  std::vector<Value> items;
  for (uint64_t i = 0; i < count; ++i) items.emplace_back(static_cast<int64_t>(uint64_t(start) + i * uint64_t(step)));
  const std::string label =
      step == 1 ? fmt::format("range({}, {})", start, stop) : fmt::format("range({}, {}, {})", start, stop, step);
  return make_seq(std::move(items), SeqKind::kRange, label);
}

// dict(mapping or pairs, name=value ...)
Dict build_dict(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.positional.size() > 1) raise("dict expected at most 1 argument, got {}", arguments.positional.size());
  Dict dict;
  for (const Value& source : arguments.positional) {
    if (defined(source).dict()) {
      dict = *source.dict();
      continue;
    }
    for (const Value& pair : interpreter.elements(source)) {
      const std::vector<Value> parts = interpreter.elements(pair);
      if (parts.size() != 2) raise("dictionary update sequence element has length {}; 2 is required", parts.size());
      dict.set(parts[0], parts[1]);
    }
  }
  for (const auto& [name, value] : arguments.named) dict.set(name, value);
  return dict;
}

Value function_dict(Interpreter& interpreter, Arguments& arguments) {
  return make_dict(build_dict(interpreter, arguments));
}

Value function_namespace(Interpreter& interpreter, Arguments& arguments) {
  auto space = interpreter.new_namespace();
  for (const auto& [key, value] : build_dict(interpreter, arguments).entries) space->attributes[string_of(key)] = value;
  return space;
}

Value function_raise(Interpreter&, Arguments& arguments) {
  const auto [message] = bind<1>(arguments, "raise_exception", {"message"}, 1);
  throw Failure(to_text(*message));
}

Value function_strftime_now(Interpreter& interpreter, Arguments& arguments) {
  const auto [format] = bind<1>(arguments, "strftime_now", {"format"}, 1);
  const std::string& text = string_of(*format);
  if (text.size() > 1000) raise("strftime_now: format longer than 1000 bytes");
  const std::time_t now = interpreter.now() ? static_cast<std::time_t>(interpreter.now()) : std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::string out(65536, '\0');
  const std::string marked = text + "|";  // so that an empty result is not taken for a failure
  const size_t size = std::strftime(out.data(), out.size(), marked.c_str(), &local);
  if (size == 0) raise("strftime_now: the format's result is too long");
  out.resize(size - 1);
  return out;
}

Value make_function(const char* name, Value (*function)(Interpreter&, Arguments&)) {
  auto callable = std::make_shared<Callable>();
  callable->name = name;
  callable->kind = "function";
  callable->call = function;
  return std::shared_ptr<const Callable>(std::move(callable));
}

}  // namespace

const std::vector<std::pair<std::string, Value>>& global_functions() {
  static const std::vector<std::pair<std::string, Value>> kFunctions = {
      {"range", make_function("range", function_range)},
      {"dict", make_function("dict", function_dict)},
      {"namespace", make_function("namespace", function_namespace)},
      {"raise_exception", make_function("raise_exception", function_raise)},
      {"strftime_now", make_function("strftime_now", function_strftime_now)},
  };
  return kFunctions;
}

}  // namespace frugal::jinja
