#include "services/ecs/controller/container_log.h"

#include <fcntl.h>
#include <unistd.h>

#include "io/files.h"

namespace landfall::ecs {
namespace {

// CloudWatch Logs takes events up to 256 KiB: longer lines are split.
constexpr std::size_t kMostLine = 256 * 1000;
constexpr std::size_t kTailBytes = 16 << 10;
constexpr std::size_t kTailLine = 500;

using Parts = std::map<std::string, OutputLine, std::less<>>;  // by "stdout" and "stderr"

void take(std::string_view line, Parts& parts, std::vector<OutputLine>& lines) {
  auto word = [&] {
    const auto space = line.find(' ');
    const auto found = line.substr(0, space);
    line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
    return found;
  };
  const auto time = parse_time(word());
  const std::string stream(word());
  const auto tag = word();
  if (!time || (tag != "F" && tag != "P")) return;  // not one of conmon's lines
  OutputLine& part = parts.try_emplace(stream, OutputLine{*time, {}}).first->second;
  part.text += line;
  if (tag == "F" || part.text.size() >= kMostLine) {
    lines.push_back(std::move(part));
    parts.erase(stream);
  }
}

}  // namespace

ParsedLog parse_log(std::string_view bytes, bool at_end) {
  ParsedLog out;
  Parts parts;
  std::size_t taken = 0;
  for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n', taken)) {
    take(bytes.substr(taken, end - taken), parts, out.lines);
    taken = end + 1;
    if (!parts.empty()) continue;
    out.whole_bytes = taken;
    out.whole_lines = out.lines.size();
  }
  if (at_end) {
    for (auto& [stream, line] : parts) out.lines.push_back(std::move(line));
    out.whole_bytes = bytes.size();
    out.whole_lines = out.lines.size();
  }
  return out;
}

std::vector<std::string> last_lines(const std::string& log_path, std::size_t count) {
  const io::Fd file(::open(log_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - static_cast<off_t>(kTailBytes));
  std::string bytes(static_cast<std::size_t>(size - from), '\0');
  const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), from);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (from > 0) bytes.erase(0, bytes.find('\n') + 1);
  const std::vector<OutputLine> lines = parse_log(bytes, true).lines;
  std::vector<std::string> out;
  for (std::size_t i = lines.size() > count ? lines.size() - count : 0; i < lines.size(); ++i)
    out.push_back(lines[i].text.substr(0, kTailLine));
  return out;
}

}  // namespace landfall::ecs
