#include "services/ecr/names.h"

#include <algorithm>

namespace landfall::ecr {
namespace {

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*
bool is_path_component(std::string_view part) {
  if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back()))
    return false;
  for (std::size_t i = 0; i < part.size();) {
    if (is_lower_or_digit(part[i])) {
      ++i;
      continue;
    }
    const char separator = part[i];
    std::size_t run = 0;
    while (i < part.size() && part[i] == separator) ++i, ++run;
    const bool good =
        separator == '-' || (separator == '.' && run == 1) || (separator == '_' && run <= 2);
    if (!good || !is_lower_or_digit(part[i])) return false;
  }
  return true;
}

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  return colon == std::string_view::npos || host.ends_with(']') ? host : host.substr(0, colon);
}

}  // namespace

bool is_repository_name(std::string_view name) {
  if (name.size() < 2 || name.size() > 256) return false;
  while (true) {
    const std::size_t slash = name.find('/');
    if (!is_path_component(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view tag) {
  const auto word = [](char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !tag.empty() && tag.size() <= 128 && word(tag.front()) &&
         std::ranges::all_of(tag, [&](char c) { return word(c) || c == '.' || c == '-'; });
}

std::optional<Scope> parse_registry_host(std::string_view host) {
  host = without_port(host);
  constexpr std::string_view kMiddle = ".dkr.ecr.";
  if (host.size() < 12 || !std::ranges::all_of(host.substr(0, 12), is_digit)) return {};
  if (!host.substr(12).starts_with(kMiddle)) return {};
  std::string_view rest = host.substr(12 + kMiddle.size());
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  const std::string_view region = rest.substr(0, dot);
  const std::string_view domain = rest.substr(dot + 1);
  if (domain != "landfall.test" && domain != "amazonaws.com") return {};
  const bool good =
      std::ranges::all_of(region, [](char c) { return is_lower_or_digit(c) || c == '-'; });
  if (!good) return {};
  return Scope{std::string(host.substr(0, 12)), std::string(region)};
}

std::string registry_host(const Scope& scope, std::string_view domain) {
  return fmt::format("{}.dkr.ecr.{}.{}", scope.account, scope.region, domain);
}

Result<ImageReference> parse_reference(std::string_view text) {
  const auto invalid = [&] {
    return fail(
        "reference-invalid",
        fmt::format("'{}' is not an image of a registry: REGISTRY/REPOSITORY[:TAG][@DIGEST]",
                    text));
  };
  std::string_view rest = text;
  ImageReference out;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    const auto digest = host::Digest::parse(rest.substr(at + 1));
    if (!digest) return invalid();
    out.digest = *digest;
    rest = rest.substr(0, at);
  }
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return invalid();
  out.registry = std::string(rest.substr(0, slash));
  rest.remove_prefix(slash + 1);
  if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) {
    out.tag = std::string(rest.substr(colon + 1));
    if (!is_tag(out.tag)) return invalid();
    rest = rest.substr(0, colon);
  }
  out.repository = std::string(rest);
  if (out.registry.empty() || !is_repository_name(rest)) return invalid();
  if (out.tag.empty() && !out.digest) out.tag = "latest";
  return out;
}

}  // namespace landfall::ecr
