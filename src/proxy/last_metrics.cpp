#include "proxy/last_metrics.h"

#include "io/files.h"

namespace landfall::proxy {
namespace fs = std::filesystem;
namespace {

// A process that drains writes every ten seconds.
constexpr std::chrono::seconds kSilence(60);

}  // namespace

Result<void> write_last_metrics(const fs::path& folder, const Metrics& metrics) {
  LF_OK(io::make_directories(folder, 0700));
  return io::write_file(folder / metrics.boot, record::to_text(metrics), 0600);
}

std::vector<Metrics> read_last_metrics(const fs::path& folder) {
  std::vector<Metrics> out;
  std::error_code ignored;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) files.push_back(entry.path());
  for (const fs::path& file : files) {
    const auto text = io::read_file(file);
    auto metrics = text ? record::from_text<Metrics>(*text) : Result<Metrics>(Metrics{});
    if (text && metrics && metrics->boot == file.filename()) {
      const auto written = fs::last_write_time(file, ignored);
      // Killed while it drained.
      if (fs::file_time_type::clock::now() - written > kSilence) metrics->ended = true;
      out.push_back(std::move(*metrics));
    } else if (text && file.extension().empty()) {
      fs::remove(file, ignored);  // half-written ones have an extension
    }
  }
  return out;
}

}  // namespace landfall::proxy
