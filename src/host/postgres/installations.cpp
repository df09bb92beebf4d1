#include "host/postgres/installations.h"

#include "base/log.h"
#include "io/process.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

std::pair<int, int> numbers(std::string_view version) {
  std::pair<int, int> out{-1, -1};
  const std::size_t dot = version.find('.');
  if (dot == std::string_view::npos) return out;
  std::from_chars(version.data(), version.data() + dot, out.first);
  std::from_chars(version.data() + dot + 1, version.data() + version.size(), out.second);
  return out;
}

bool is_version(const std::string& name) {
  const auto [major, minor] = numbers(name);
  return fmt::format("{}.{}", major, minor) == name;
}

std::vector<fs::path> folders_in(const fs::path& parent) {
  std::vector<fs::path> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    if (fs::exists(entry.path() / "bin/postgres", ignored)) out.push_back(entry.path());
  }
  return out;
}

// "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)" -> "15.18"
std::string version_in(std::string_view text) {
  const std::size_t at = text.find(") ");
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + 2);
  return std::string(text.substr(0, text.find_first_of(" \n")));
}

}  // namespace

int PostgresInstallation::major() const { return numbers(version).first; }

bool PostgresInstallation::self_contained() const {
  return !root.native().starts_with("/usr/lib/postgresql/");
}

bool postgres_version_less(std::string_view a, std::string_view b) {
  return numbers(a) < numbers(b);
}

task<std::vector<PostgresInstallation>> find_postgres(io::Loop& loop, fs::path engines) {
  std::vector<PostgresInstallation> found;
  for (const fs::path& folder : folders_in(engines)) {
    if (is_version(folder.filename())) found.push_back({folder.filename(), folder});
  }
  for (const fs::path& folder : folders_in("/usr/lib/postgresql")) {
    auto said = co_await io::check_command(loop, {{folder / "bin/postgres", "--version"}});
    if (!said) {
      log::warning("postgres", "{}: {}", folder.string(), said.error().message);
      continue;
    }
    const std::string version = version_in(*said);
    const bool known =
        std::ranges::any_of(found, [&](const auto& other) { return other.version == version; });
    if (is_version(version) && !known) found.push_back({version, folder});
  }
  std::ranges::sort(found, [](const auto& a, const auto& b) {
    return postgres_version_less(b.version, a.version);
  });
  co_return found;
}

task<std::optional<PostgresInstallation>> find_postgres_version(io::Loop& loop, fs::path engines,
                                                                std::string version) {
  std::error_code ignored;
  if (is_version(version) && fs::exists(engines / version / "bin/postgres", ignored))
    co_return PostgresInstallation{version, engines / version};
  for (PostgresInstallation& found : co_await find_postgres(loop, std::move(engines))) {
    if (found.version == version) co_return std::move(found);
  }
  co_return std::nullopt;
}

}  // namespace landfall::host
