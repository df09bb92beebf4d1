#include "services/route53/records.h"

#include <algorithm>

namespace landfall::route53 {
namespace {

std::string prefix(const std::string& account, std::string_view table) {
  return fmt::format("{}{}/-/{}/", kRoot, account, table);
}

// Set identifiers may hold anything.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '/' || c == '%')
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '7'; }

}  // namespace

Tables::Tables(store::Store& store, const std::string& account)
    : zones(store, prefix(account, "zones")),
      records(store, prefix(account, "records")),
      changes(store, prefix(account, "changes")) {}

std::string reversed(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string out;
  while (!name.empty()) {
    const std::size_t dot = name.rfind('.');
    if (!out.empty()) out += '.';
    out += dot == name.npos ? name : name.substr(dot + 1);
    name = dot == name.npos ? std::string_view() : name.substr(0, dot);
  }
  return out;
}

std::string record_key(const std::string& zone_id, const ResourceRecordSet& set) {
  return fmt::format("{}/{}/{}/{}", zone_id, escaped(reversed(set.name)), set.type,
                     escaped(set.set_identifier.value_or("")));
}

Result<std::string> normalize_name(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (c == '\\' && i + 3 < name.size() && is_digit(name[i + 1]) && is_digit(name[i + 2]) &&
        is_digit(name[i + 3])) {
      c = char((name[i + 1] - '0') * 64 + (name[i + 2] - '0') * 8 + (name[i + 3] - '0'));
      i += 3;
    }
    out += c >= 'A' && c <= 'Z' ? char(c + 32) : c;
  }
  if (!out.ends_with('.')) out += '.';
  const auto bad = [&] {
    return fail("InvalidDomainName", fmt::format("The domain name '{}' is not valid", name));
  };
  if (out.size() < 2 || out.size() > 255) return bad();
  std::size_t start = 0;
  for (std::size_t dot; (dot = out.find('.', start)) != out.npos; start = dot + 1) {
    const std::string_view label = std::string_view(out).substr(start, dot - start);
    if (label.empty() || label.size() > 63) return bad();
    const bool good = std::ranges::all_of(
        label, [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '/' && c != '\\'; });
    if (!good || (label.find('*') != label.npos && (label != "*" || start != 0))) return bad();
  }
  return out;
}

std::string bare_id(std::string_view id) {
  const std::size_t slash = id.rfind('/');
  return std::string(slash == id.npos ? id : id.substr(slash + 1));
}

}  // namespace landfall::route53
