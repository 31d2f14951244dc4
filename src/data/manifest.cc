#include "data/manifest.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace frugal::data {
namespace {

using Json = nlohmann::ordered_json;

void write_line(std::FILE* file, const std::string& path, const Json& line) {
  const std::string text = line.dump() + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file) != text.size() || std::fflush(file) != 0 ||
      ::fsync(::fileno(file)) != 0)
    fail(ErrorCode::kIo, "data", "cannot write {}: {}", path, std::strerror(errno));
}

}  // namespace

Manifest::Manifest(const std::string& path, const std::string& identity, bool resume) : path_(path) {
  const bool there = resume && std::filesystem::exists(path);
  if (there) read(identity);
  // Written anew, so that a line cut by a kill does not run into the next one.
  const std::string fresh = path + ".new";
  file_ = std::fopen(fresh.c_str(), "wb");
  if (file_ == nullptr) fail(ErrorCode::kIo, "data", "cannot write {}: {}", fresh, std::strerror(errno));
  write_line(file_, path, Json{{"run", identity}});
  auto known = std::move(done_);
  done_.clear();
  for (auto& [key, done] : known) add(key.first, key.second, std::move(done));
  if (std::rename(fresh.c_str(), path.c_str()) != 0)
    fail(ErrorCode::kIo, "data", "cannot write {}: {}", path, std::strerror(errno));
}

Manifest::~Manifest() {
  if (file_ != nullptr) std::fclose(file_);
}

void Manifest::read(const std::string& identity) {
  std::ifstream in(path_);
  std::string line;
  bool first = true;
  while (std::getline(in, line)) {
    const Json j = Json::parse(line, nullptr, false);
    if (j.is_discarded() || !j.is_object()) break;
    if (std::exchange(first, false)) {
      if (j.value("run", "") != identity)
        fail(ErrorCode::kUsage, "data",
             "{} is of another pipeline or other inputs, expected the same to resume; without --resume the run begins "
             "anew",
             path_);
      continue;
    }
    done_[{j.at("pass"), j.at("part")}] = {j.at("rows"), Counts::from_json(j.at("counts"))};
  }
}

const PartDone* Manifest::find(size_t pass, size_t part) const {
  const auto found = done_.find({pass, part});
  return found == done_.end() ? nullptr : &found->second;
}

void Manifest::add(size_t pass, size_t part, PartDone done) {
  write_line(file_, path_,
             Json{{"pass", pass}, {"part", part}, {"rows", done.rows}, {"counts", done.counts.to_json()}});
  done_[{pass, part}] = std::move(done);
}

}  // namespace frugal::data
