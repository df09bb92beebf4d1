#include "services/ecs/diagnosis.h"

#include <array>
#include <charconv>
#include <regex>
#include <set>

namespace landfall::ecs {
namespace {

struct Pattern {
  const char* expression;
  const char* reason;
  const char* advice;
};

// Advice may name the expression's groups: $1.
constexpr std::array kPatterns = {
    Pattern{R"re(database "([^"]+)" does not exist)re", "DatabaseMissing",
            "create it (psql -h ENDPOINT -U USER -d postgres -c 'CREATE DATABASE \"$1\"'), or "
            "correct the name in the connection string"},
    Pattern{R"re(password authentication failed for user "([^"]+)")re", "DatabasePasswordWrong",
            "correct the password in the connection string, or set it anew: aws rds "
            "modify-db-instance --master-user-password"},
    Pattern{R"re(role "([^"]+)" does not exist)re", "DatabaseUserMissing",
            "correct the user in the connection string"},
    Pattern{R"re(relation "([^"]+)" does not exist)re", "TableMissing",
            "run the schema's migration against the database"},
    Pattern{R"re(could not translate host name "([^"]+)"|Name or service not known|)re"
            R"re(Temporary failure in name resolution|getaddrinfo (?:ENOTFOUND|EAI_AGAIN))re",
            "HostNameUnknown", "correct the host name in the container's environment"},
    Pattern{R"re(Connection refused|ECONNREFUSED)re", "ConnectionRefused",
            "the host is there, but nothing listens on that port: look at the port and at the "
            "server behind it"},
    Pattern{R"re(timeout expired|[Cc]onnection timed out|ETIMEDOUT|ConnectTimeout)re",
            "ConnectionTimedOut",
            "a security group or route between the two drops the packets: landfall why on this "
            "task names it"},
    Pattern{R"re(exec format error|Exec format error)re", "ExecFormatError",
            "build the image for this machine (docker build --platform linux/amd64)"},
    Pattern{R"re([Aa]ddress already in use|EADDRINUSE)re", "PortTaken",
            "two programs of the task want the same port: change one of them"},
    Pattern{R"re(ModuleNotFoundError: No module named '([^']+)'|Cannot find module '([^']+)')re",
            "DependencyMissing", "add it to the image and push the image again"},
    Pattern{R"re(Permission denied|EACCES)re", "PermissionDenied",
            "the container's user may not use that file or port"},
    Pattern{R"re(No space left on device|ENOSPC)re", "DiskFull",
            "raise ephemeralStorage in the task definition"},
    Pattern{R"re(NoCredentialsError|Unable to locate credentials)re", "CredentialsMissing",
            "give the task definition a taskRoleArn"},
    Pattern{R"re(AccessDenied|is not authorized to perform: (\S+))re", "AccessDenied",
            "allow the action in a policy of the task role"},
};

std::string with_groups(std::string_view advice, const std::smatch& match) {
  std::string text(advice);
  for (std::size_t group = 1; group < match.size(); ++group) {
    const std::string name = "$" + std::to_string(group);
    if (const std::size_t at = text.find(name); at != std::string::npos)
      text.replace(at, name.size(), match[group].str());
  }
  return text;
}

std::uint16_t default_port(std::string_view scheme) {
  if (scheme.starts_with("postgres")) return 5432;
  if (scheme.starts_with("mysql") || scheme.starts_with("mariadb")) return 3306;
  if (scheme == "redis") return 6379;
  if (scheme == "https") return 443;
  if (scheme == "http") return 80;
  return 0;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

std::uint16_t port_number(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() ? port : std::uint16_t(0);
}

// SCHEME://[USER[:SECRET]@]HOST[:PORT][/NAME][?...]
std::optional<Endpoint> of_url(const std::string& variable, std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == text.npos) return {};
  const std::string_view scheme = text.substr(0, scheme_end);
  std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, path);
  rest.remove_prefix(path);
  if (const std::size_t at = authority.rfind('@'); at != authority.npos)
    authority.remove_prefix(at + 1);
  Endpoint out;
  out.variable = variable;
  const std::size_t colon = authority.rfind(':');
  out.host = lower(std::string(authority.substr(0, colon)));
  out.port = colon == authority.npos ? default_port(scheme.substr(0, scheme.find('+')))
                                     : port_number(authority.substr(colon + 1));
  if (rest.starts_with('/')) {
    rest.remove_prefix(1);
    out.database = rest.substr(0, std::min(rest.find('?'), rest.size()));
  }
  if (out.host.empty() || out.port == 0) return {};
  return out;
}

}  // namespace

std::vector<reconcile::Finding> diagnose_output(std::span<const std::string> lines) {
  static const auto expressions = [] {
    std::vector<std::regex> out;
    for (const Pattern& pattern : kPatterns) out.emplace_back(pattern.expression);
    return out;
  }();
  std::vector<reconcile::Finding> findings;
  std::set<std::string> told;
  for (const std::string& line : lines) {
    for (std::size_t i = 0; i < kPatterns.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(line, match, expressions[i])) continue;
      if (told.insert(kPatterns[i].reason).second) {
        findings.push_back({.severity = reconcile::Severity::problem,
                            .reason = kPatterns[i].reason,
                            .message = "its output says: " + line,
                            .advice = with_groups(kPatterns[i].advice, match)});
      }
      break;  // the first that fits is the most precise
    }
  }
  return findings;
}

std::string_view exit_code_meaning(int code) {
  switch (code) {
    case 126:
      return "the command is not executable";
    case 127:
      return "the command was not found";
    case 134:
      return "it aborted (SIGABRT)";
    case 137:
      return "it was killed (SIGKILL)";
    case 139:
      return "it crashed (SIGSEGV)";
    case 143:
      return "it was asked to end (SIGTERM)";
    default:
      return "";
  }
}

std::vector<Endpoint> endpoints_of(const std::map<std::string, std::string>& environment) {
  std::vector<Endpoint> out;
  for (const auto& [name, value] : environment) {
    if (auto found = of_url(name, value)) {
      out.push_back(std::move(*found));
      continue;
    }
    // HOST beside PORT: DB_HOST and DB_PORT, PGHOST and PGPORT.
    const std::size_t at = name.rfind("HOST");
    if (at == name.npos || at + 4 != name.size() || value.empty()) continue;
    const auto port = environment.find(name.substr(0, at) + "PORT");
    const std::uint16_t number = port != environment.end()               ? port_number(port->second)
                                 : name == "PGHOST" || name == "DB_HOST" ? std::uint16_t(5432)
                                                                         : std::uint16_t(0);
    if (number != 0) out.push_back({name, lower(value), number, ""});
  }
  return out;
}

}  // namespace landfall::ecs
