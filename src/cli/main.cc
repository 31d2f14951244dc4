// The frugal command: finds the verb, runs it, and turns errors into one line and an exit status.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <exception>
#include <iostream>

#include "base/edit_distance.h"
#include "base/error.h"
#include "cli/verb.h"

namespace {

// The first word that is no option names the verb.
void check_verb(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string> names;
  for (const frugal::Verb& verb : frugal::verbs()) names.emplace_back(verb.name);
  if (std::find(names.begin(), names.end(), argv[1]) == names.end())
    frugal::fail(frugal::ErrorCode::kUsage, "verb", "there is no '{}'{}; frugal --help lists what there is", argv[1],
                 frugal::hint(argv[1], names));
}

int work(int argc, char** argv) {
  CLI::App app{"frugal: run, adapt and compare language models on less", "frugal"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "frugal 0.1.0");
  app.set_help_flag("-h,--help", "print this help");
  std::function<int()> chosen;
  for (const frugal::Verb& verb : frugal::verbs()) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.help);
    sub->footer(std::string("\nExamples:\n") + verb.examples);
    auto run = verb.set_up(*sub);
    sub->callback([&chosen, run] { chosen = run; });
  }
  check_verb(argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return work(argc, argv);
  } catch (const frugal::Error& e) {
    std::cerr << "frugal: " << e.what() << "\n";
    return e.code() == frugal::ErrorCode::kUsage ? 2 : 1;
  } catch (const std::exception& e) {
    std::cerr << "frugal: " << e.what() << "\n";
    return 1;
  }
}
