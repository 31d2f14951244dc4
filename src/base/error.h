// The one error type of the library.
//
// User and data mistakes throw frugal::Error: a code, and a message that begins with the part's name in brackets and
// says what was found and what was expected. Broken invariants are assert()s that no input can reach. Lack of
// resources (a full cache, a full queue) is a value that the scheduler handles. The library never prints or exits.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace frugal {

enum class ErrorCode {
  kUsage,        // wrong option, spec or combination: exit status 2 at the command line
  kBadInput,     // a file or request whose content is wrong
  kNotFound,     // a file, model, tensor or name that is not there
  kUnsupported,  // understood, but not something this build can do
  kIo,           // the operating system refused
  kCancelled,    // the user stopped it
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// Throws Error{code, "[part] message"}.
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, const char* part, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format("[{}] {}", part, fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace frugal
