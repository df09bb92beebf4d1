#include "services/route53/rdata.h"

#include <arpa/inet.h>

#include <charconv>
#include <vector>

#include "host/dns/message.h"
#include "services/route53/records.h"

namespace landfall::route53 {
namespace {

std::unexpected<Error> bad(std::string_view type, std::string_view value, std::string_view why) {
  return fail("InvalidChangeBatch",
              fmt::format("Invalid Resource Record: '{}' is not a value of a {} record: {}", value,
                          type, why));
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t start = text.find_first_not_of(" \t");
    if (start == text.npos) return out;
    text.remove_prefix(start);
    const std::size_t end = text.find_first_of(" \t");
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end));
  }
}

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t most) {
  std::uint32_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || out > most)
    return {};
  return out;
}

void put(std::string& out, std::uint32_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += char(value >> shift & 255);
}

Result<std::string> encode_target(std::string_view type, std::string_view value) {
  auto name = normalize_name(value);
  if (!name) return bad(type, value, "not a domain name");
  name->pop_back();
  return host::dns::encode_name(*name);
}

// "one" "two \"quoted\" \052": strings of at most 255 bytes.
Result<std::string> encode_text(std::string_view type, std::string_view value) {
  std::string out;
  std::size_t i = 0;
  while (i < value.size()) {
    if (value[i] == ' ' || value[i] == '\t') {
      ++i;
      continue;
    }
    if (value[i] != '"') return bad(type, value, "strings are written in quotation marks");
    std::string text;
    for (++i; i < value.size() && value[i] != '"'; ++i) {
      char c = value[i];
      if (c == '\\' && i + 1 < value.size()) {
        c = value[++i];
        if (c >= '0' && c <= '7' && i + 2 < value.size()) {
          c = char((value[i] - '0') * 64 + (value[i + 1] - '0') * 8 + (value[i + 2] - '0'));
          i += 2;
        }
      }
      text += c;
    }
    if (i >= value.size()) return bad(type, value, "a quotation mark is missing");
    ++i;
    if (text.size() > 255) return bad(type, value, "a string has more than 255 characters");
    out += char(text.size());
    out += text;
  }
  if (out.empty()) return bad(type, value, "no string");
  return out;
}

Result<std::string> encode_numbers_and_target(std::string_view type, std::string_view value,
                                              std::size_t numbers) {
  const auto parts = words(value);
  if (parts.size() != numbers + 1) return bad(type, value, "it has another number of parts");
  std::string out;
  for (std::size_t i = 0; i < numbers; ++i) {
    const auto parsed = number(parts[i], 65535);
    if (!parsed) return bad(type, value, "not a number between 0 and 65535");
    put(out, *parsed, 2);
  }
  LF_TRY(target, encode_target(type, parts.back()));
  return out + target;
}

Result<std::string> encode_soa(std::string_view value) {
  const auto parts = words(value);
  if (parts.size() != 7) return bad("SOA", value, "it has seven parts");
  LF_TRY(server, encode_target("SOA", parts[0]));
  LF_TRY(mailbox, encode_target("SOA", parts[1]));
  std::string out = server + mailbox;
  for (std::size_t i = 2; i < 7; ++i) {
    const auto parsed = number(parts[i], UINT32_MAX);
    if (!parsed) return bad("SOA", value, "not a number");
    put(out, *parsed, 4);
  }
  return out;
}

Result<std::string> encode_caa(std::string_view value) {
  const std::size_t first = value.find(' ');
  const std::size_t second = first == value.npos ? first : value.find(' ', first + 1);
  if (second == value.npos) return bad("CAA", value, "it has three parts");
  const auto flags = number(value.substr(0, first), 255);
  const std::string_view tag = value.substr(first + 1, second - first - 1);
  if (!flags || tag.empty() || tag.size() > 15) return bad("CAA", value, "flags or tag are wrong");
  LF_TRY(text, encode_text("CAA", value.substr(second + 1)));
  std::string out;
  put(out, *flags, 1);
  put(out, std::uint32_t(tag.size()), 1);
  return out + std::string(tag) + text.substr(1);
}

}  // namespace

std::optional<std::uint16_t> type_number(std::string_view type) {
  constexpr std::pair<std::string_view, std::uint16_t> kTypes[] = {
      {"A", 1},    {"AAAA", 28}, {"CAA", 257}, {"CNAME", 5}, {"MX", 15}, {"NS", 2},
      {"PTR", 12}, {"SOA", 6},   {"SPF", 99},  {"SRV", 33},  {"TXT", 16}};
  for (const auto& [name, code] : kTypes)
    if (name == type) return code;
  return {};
}

Result<std::string> encode_value(std::string_view type, std::string_view value) {
  if (type == "A" || type == "AAAA") {
    char bytes[16];
    const std::string text(value);
    const int family = type == "A" ? AF_INET : AF_INET6;
    if (inet_pton(family, text.c_str(), bytes) != 1) return bad(type, value, "not an address");
    return std::string(bytes, family == AF_INET ? 4 : 16);
  }
  if (type == "CNAME" || type == "NS" || type == "PTR") return encode_target(type, value);
  if (type == "TXT" || type == "SPF") return encode_text(type, value);
  if (type == "MX") return encode_numbers_and_target(type, value, 1);
  if (type == "SRV") return encode_numbers_and_target(type, value, 3);
  if (type == "SOA") return encode_soa(value);
  if (type == "CAA") return encode_caa(value);
  return bad(type, value, "Landfall's DNS does not serve this type");
}

}  // namespace landfall::route53
