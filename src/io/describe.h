// What a checkpoint holds, as JSON: for people who look before they load.
#pragma once

#include "io/checkpoint.h"

namespace frugal {

struct DescribeOptions {
  size_t longest =
      8;  // lists with more items and texts of more than 100 times as many bytes are shown by their beginning
};

// {format, files, parameters, bytes, types: {type: {tensors, bytes}}, model: {...} when there is a configuration,
//  metadata, config and adapter (the JSON files beside safetensors), tensors: [{name, dtype, shape, bytes}]}
// Every text is valid UTF-8, whatever the file says. Throws Error when a JSON file beside the weights is wrong.
nlohmann::ordered_json describe(const Checkpoint& checkpoint, const DescribeOptions& options = {});

}  // namespace frugal
