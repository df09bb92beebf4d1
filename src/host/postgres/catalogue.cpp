#include "host/postgres/catalogue.h"

#include <unistd.h>

#include "io/process.h"

namespace landfall::host {
namespace {

std::vector<std::string> split(std::string_view text, std::string_view by) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t at = text.find(by);
    out.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + by.size());
  }
}

std::vector<std::string> library_path(const PostgresInstallation& installation) {
  std::vector<std::string> environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
  if (installation.self_contained())
    environment.push_back("LD_LIBRARY_PATH=" + (installation.root / "lib").string());
  return environment;
}

// "postgres -C" reads settings as a start would and prints one. It looks at no data, but insists on
// a folder.
io::Command ask(const PostgresInstallation& installation, std::string name, std::string value) {
  io::Command command{{installation.root / "bin/postgres", "-C", name, "-D", "/", "-c",
                       "config_file=/dev/null", "-c", fmt::format("{}={}", name, value)}};
  command.environment = library_path(installation);
  return command;
}

// What PostgreSQL says about a bad value: "invalid value ...", and "Available values: a, b."
struct Complaint {
  std::string message, hint;
};
Complaint complaint_in(const std::string& text) {
  Complaint out;
  for (const std::string& line : split(text, "\n")) {
    for (const auto& [tag, field] :
         {std::pair{"FATAL:  ", &out.message}, std::pair{"HINT:  ", &out.hint}}) {
      if (const std::size_t at = line.find(tag); at != std::string::npos && field->empty())
        *field = line.substr(at + std::string_view(tag).size());
    }
  }
  return out;
}

task<std::vector<std::string>> choices_of(io::Loop& loop, PostgresInstallation installation,
                                          std::string name) {
  constexpr std::string_view kList = "Available values: ";
  auto said = co_await io::run_command(loop, ask(installation, name, "?"));
  if (!said) co_return std::vector<std::string>();
  std::string hint = complaint_in(said->err).hint;
  if (!hint.starts_with(kList)) co_return std::vector<std::string>();
  if (hint.ends_with('.')) hint.pop_back();
  co_return split(std::string_view(hint).substr(kList.size()), ", ");
}

}  // namespace

task<Result<std::vector<PostgresSetting>>> describe_settings(io::Loop& loop,
                                                             PostgresInstallation installation) {
  io::Command command{{installation.root / "bin/postgres", "--describe-config"}};
  command.environment = library_path(installation);
  LF_CO_TRY(text, co_await io::check_command(loop, std::move(command)));
  std::vector<PostgresSetting> out;
  for (const std::string& line : split(text, "\n")) {
    // name, context, group, type, default, least, most, what it does, more about it
    const std::vector<std::string> fields = split(line, "\t");
    if (fields.size() < 9) continue;
    PostgresSetting setting{fields[0], fields[1], fields[3], fields[4],
                            fields[5], fields[6], {},        fields[7]};
    if (!fields[8].empty()) setting.description += " " + fields[8];
    if (setting.type == "ENUM")
      setting.choices = co_await choices_of(loop, installation, setting.name);
    out.push_back(std::move(setting));
  }
  std::ranges::sort(out, {}, &PostgresSetting::name);
  co_return out;
}

task<Result<void>> check_setting(io::Loop& loop, PostgresInstallation installation,
                                 std::string name, std::string value) {
  LF_CO_TRY(said,
            co_await io::run_command(loop, ask(installation, std::move(name), std::move(value))));
  if (said.ok()) co_return Result<void>();
  const Complaint complaint = complaint_in(said.err);
  co_return fail("invalid-setting",
                 complaint.hint.empty()
                     ? complaint.message
                     : fmt::format("{} ({})", complaint.message, complaint.hint));
}

}  // namespace landfall::host
