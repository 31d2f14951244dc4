#include "data/counts.h"

namespace frugal::data {
namespace {

void add_all(std::map<std::string, uint64_t>& to, const std::map<std::string, uint64_t>& from) {
  for (const auto& [name, n] : from) to[name] += n;
}

}  // namespace

void Counts::add(const Counts& other) {
  source_bytes += other.source_bytes, source_docs += other.source_docs;
  out_docs += other.out_docs, out_bytes += other.out_bytes;
  parse_s += other.parse_s, encode_s += other.encode_s;
  add_all(faults, other.faults);
  stages.resize(std::max(stages.size(), other.stages.size()));
  for (size_t i = 0; i < other.stages.size(); ++i) {
    StageCounts& to = stages[i];
    const StageCounts& from = other.stages[i];
    to.docs_in += from.docs_in, to.docs_out += from.docs_out, to.bytes_in += from.bytes_in, to.seconds += from.seconds;
    add_all(to.reasons, from.reasons);
  }
}

nlohmann::ordered_json Counts::to_json() const {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const StageCounts& s : stages) list.push_back({s.docs_in, s.docs_out, s.bytes_in, s.seconds, s.reasons});
  return {{"source", {source_bytes, source_docs}},
          {"out", {out_docs, out_bytes}},
          {"seconds", {parse_s, encode_s}},
          {"faults", faults},
          {"stages", list}};
}

Counts Counts::from_json(const nlohmann::ordered_json& j) {
  Counts c;
  c.source_bytes = j.at("source").at(0), c.source_docs = j.at("source").at(1);
  c.out_docs = j.at("out").at(0), c.out_bytes = j.at("out").at(1);
  c.parse_s = j.at("seconds").at(0), c.encode_s = j.at("seconds").at(1);
  c.faults = j.at("faults").get<std::map<std::string, uint64_t>>();
  for (const auto& s : j.at("stages"))
    c.stages.push_back({s.at(0), s.at(1), s.at(2), s.at(3), s.at(4).get<std::map<std::string, uint64_t>>()});
  return c;
}

}  // namespace frugal::data
