// frugal data train-classifier.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace frugal {

// Adds the subcommand to `frugal data`; the work, to be run where it was chosen.
std::function<int()> add_train_classifier(CLI::App& app);

}  // namespace frugal
