// The same cases by another program: llama.cpp's llama-bench, for a ratio measured on the same machine.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace frugal {

// spec: "llama-bench=PATH". Adds {"peer": {name, tok_s, ratio}} to each row that the peer can run (one sequence). The
// better of its flash-attention settings counts. Throws Error when the program cannot be run.
void add_peer(nlohmann::ordered_json& rows, const std::string& spec, const std::string& model, int threads,
              int repeats);

}  // namespace frugal
