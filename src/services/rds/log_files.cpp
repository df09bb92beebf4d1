#include "services/rds/log_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/files.h"

namespace landfall::rds {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "postgresql.log.";

bool number_at(std::string_view text, std::size_t at, std::size_t digits, int& out) {
  const auto end = text.data() + at + digits;
  return std::from_chars(text.data() + at, end, out).ptr == end;
}

}  // namespace

std::optional<std::int64_t> log_file_hour(std::string_view name) {
  if (!name.starts_with(kPrefix)) return {};
  name.remove_prefix(kPrefix.size());
  int year = 0, month = 0, day = 0, hour = 0;
  const bool good = name.size() == 13 && name[4] == '-' && name[7] == '-' && name[10] == '-' &&
                    number_at(name, 0, 4, year) && number_at(name, 5, 2, month) &&
                    number_at(name, 8, 2, day) && number_at(name, 11, 2, hour);
  const auto date = std::chrono::year(year) / month / day;
  if (!good || !date.ok() || hour < 0 || hour > 23) return {};
  return std::chrono::sys_days(date).time_since_epoch().count() * 24 + hour;
}

std::vector<LogFile> list_log_files(const fs::path& folder) {
  std::vector<LogFile> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    struct stat found{};
    const std::string name = entry.path().filename();
    if (!log_file_hour(name) || ::lstat(entry.path().c_str(), &found) < 0 ||
        !S_ISREG(found.st_mode))
      continue;
    out.push_back({name, std::uint64_t(found.st_size),
                   from_unix_ms(std::int64_t(found.st_mtim.tv_sec) * 1000 +
                                found.st_mtim.tv_nsec / 1'000'000)});
  }
  std::ranges::sort(out, {}, &LogFile::name);
  return out;
}

Result<LogPortion> read_log_portion(const fs::path& file, std::optional<std::uint64_t> offset,
                                    std::size_t lines) {
  const io::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail_errno("open " + file.string(), errno);
  const off_t end = ::lseek(fd.get(), 0, SEEK_END);
  const std::uint64_t size = std::uint64_t(std::max<off_t>(end, 0));
  const std::uint64_t begin =
      std::min(offset.value_or(size > kMostPortionBytes ? size - kMostPortionBytes : 0), size);
  std::string text(std::min<std::uint64_t>(size - begin, kMostPortionBytes), '\0');
  const ssize_t got = ::pread(fd.get(), text.data(), text.size(), off_t(begin));
  if (got < 0) return fail_errno("read " + file.string(), errno);
  text.resize(std::size_t(got));

  if (!offset) {
    // The last `lines`: back over their line breaks, the file's last one not counted.
    std::size_t at = text.size();
    for (std::size_t count = 0; at > 0; --at) {
      if (text[at - 1] == '\n' && at != text.size() && ++count == lines) break;
    }
    return LogPortion{text.substr(at), begin + text.size(), false};
  }
  std::size_t at = 0;
  for (std::size_t count = 0; count < lines && at < text.size(); ++count) {
    const std::size_t found = text.find('\n', at);
    if (found == std::string::npos) {
      // Half a line only when nothing else fits, or when it is the file's end.
      if (at == 0 || begin + text.size() == size) at = text.size();
      break;
    }
    at = found + 1;
  }
  text.resize(at);
  const std::uint64_t next = begin + at;
  return LogPortion{std::move(text), next, next < size};
}

void remove_old_log_files(const fs::path& folder, TimePoint before) {
  std::error_code ignored;
  for (const LogFile& file : list_log_files(folder)) {
    if (file.written_at < before) fs::remove(folder / file.name, ignored);
  }
}

}  // namespace landfall::rds
