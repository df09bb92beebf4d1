#include "services/logs/insights/functions.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace landfall::logs::insights {

namespace {

using Args = std::span<const Value>;
constexpr std::size_t kAny = 100;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// ---- numbers ----

template <double (*kOf)(double)>
Value number_of(Args args, Arena&) {
  const auto number = to_number(args[0]);
  return number ? Value::of(kOf(*number)) : Value();
}

double absolute(double x) { return std::abs(x); }
double ceiling(double x) { return std::ceil(x); }
double floored(double x) { return std::floor(x); }
double logarithm(double x) { return std::log(x); }
double root(double x) { return std::sqrt(x); }

template <bool kGreatest>
Value extreme(Args args, Arena&) {
  std::optional<double> best;
  for (const Value& arg : args) {
    const auto number = to_number(arg);
    if (number && (!best || (kGreatest ? *number > *best : *number < *best))) best = number;
  }
  return best ? Value::of(*best) : Value();
}

// ---- general ----

Value is_present(Args args, Arena&) { return Value::of(args[0].present()); }

Value coalesce(Args args, Arena&) {
  const auto first =
      std::find_if(args.begin(), args.end(), [](const Value& arg) { return arg.present(); });
  return first == args.end() ? Value() : *first;
}

// ---- texts ----

Value is_empty(Args args, Arena& arena) { return Value::of(to_text(args[0], arena).empty()); }

Value is_blank(Args args, Arena& arena) {
  return Value::of(to_text(args[0], arena).find_first_not_of(" \t\r\n\v\f") ==
                   std::string_view::npos);
}

Value concat(Args args, Arena& arena) {
  std::string all;
  for (const Value& arg : args) all += to_text(arg, arena);
  return Value::of(arena.keep(all));
}

template <bool kLeft, bool kRight>
Value trim(Args args, Arena& arena) {
  if (!args[0].present()) return {};
  std::string_view text = to_text(args[0], arena);
  const std::string_view cut = args.size() > 1 ? to_text(args[1], arena) : " \t\r\n\v\f";
  const auto drop = [&](char c) { return cut.find(c) != std::string_view::npos; };
  while (kLeft && !text.empty() && drop(text.front())) text.remove_prefix(1);
  while (kRight && !text.empty() && drop(text.back())) text.remove_suffix(1);
  return Value::of(text);
}

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

Value string_length(Args args, Arena& arena) {
  if (!args[0].present()) return {};
  const std::string_view text = to_text(args[0], arena);
  return Value::of(static_cast<double>(std::count_if(text.begin(), text.end(), begins_character)));
}

template <int (*kTo)(int)>
Value in_case(Args args, Arena& arena) {
  if (!args[0].present()) return {};
  std::string text(to_text(args[0], arena));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x80) c = static_cast<char>(kTo(c));
  }
  return Value::of(arena.keep(text));
}
int upper_letter(int c) { return std::toupper(c); }
int lower_letter(int c) { return std::tolower(c); }

// The byte where character `index` begins.
std::size_t byte_of(std::string_view text, double index) {
  if (!(index > 0)) return 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (begins_character(text[at]) && index-- < 1) return at;
  }
  return text.size();
}

Value substring(Args args, Arena& arena) {
  const auto start = to_number(args[1]);
  if (!args[0].present() || !start) return {};
  std::string_view text = to_text(args[0], arena);
  text.remove_prefix(byte_of(text, std::floor(*start)));
  if (args.size() > 2) {
    const auto size = to_number(args[2]);
    if (!size) return {};
    text = text.substr(0, byte_of(text, std::floor(*size)));
  }
  return Value::of(text);
}

Value replace(Args args, Arena& arena) {
  if (!args[0].present()) return {};
  std::string_view text = to_text(args[0], arena);
  const std::string_view from = to_text(args[1], arena);
  const std::string_view to = to_text(args[2], arena);
  if (from.empty() || text.find(from) == std::string_view::npos) return Value::of(text);
  std::string out;
  for (auto at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    out += text.substr(0, at);
    out += to;
    text.remove_prefix(at + from.size());
  }
  out += text;
  return Value::of(arena.keep(out));
}

Value string_contains(Args args, Arena& arena) {
  const std::string_view text = to_text(args[0], arena);
  return Value::of(text.find(to_text(args[1], arena)) != std::string_view::npos);
}

// ---- times ----

Value from_millis(Args args, Arena&) {
  const auto ms = to_number(args[0]);
  return ms ? Value::time(*ms) : Value();
}

Value to_millis(Args args, Arena&) {
  if (args[0].kind != Value::Kind::time) return {};
  return Value::of(args[0].number);
}

// ---- addresses ----

struct Address {
  int family = 0;
  std::array<unsigned char, 16> bytes{};
};

std::optional<Address> parse_address(std::string_view text) {
  if (text.size() > 45) return {};
  const std::string zero_ended(text);
  for (const int family : {AF_INET, AF_INET6}) {
    Address address{family, {}};
    if (::inet_pton(family, zero_ended.c_str(), address.bytes.data()) == 1) return address;
  }
  return {};
}

template <int kFamily>
bool is_of(const std::optional<Address>& address) {
  return address && (kFamily == 0 || address->family == kFamily);
}

template <int kFamily>
Value is_valid_ip(Args args, Arena& arena) {
  return Value::of(is_of<kFamily>(parse_address(to_text(args[0], arena))));
}

template <int kFamily>
Value is_in_subnet(Args args, Arena& arena) {
  const auto address = parse_address(to_text(args[0], arena));
  const std::string_view subnet = to_text(args[1], arena);
  const auto slash = subnet.find('/');
  const auto net = parse_address(subnet.substr(0, slash));
  if (!is_of<kFamily>(address) || slash == std::string_view::npos || !net ||
      net->family != address->family) {
    return Value::of(false);
  }
  unsigned bits = 0;
  const std::string_view size = subnet.substr(slash + 1);
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), bits);
  if (error != std::errc() || end != size.data() + size.size() ||
      bits > (net->family == AF_INET ? 32U : 128U)) {
    return Value::of(false);
  }
  const unsigned whole = bits / 8;
  if (std::memcmp(address->bytes.data(), net->bytes.data(), whole) != 0) return Value::of(false);
  if (bits % 8 == 0) return Value::of(true);
  const auto mask = static_cast<unsigned char>(0xff << (8 - bits % 8));
  return Value::of(((address->bytes[whole] ^ net->bytes[whole]) & mask) == 0);
}

constexpr std::array kFunctions{
    Function{"abs", 1, 1, number_of<absolute>},
    Function{"ceil", 1, 1, number_of<ceiling>},
    Function{"floor", 1, 1, number_of<floored>},
    Function{"log", 1, 1, number_of<logarithm>},
    Function{"sqrt", 1, 1, number_of<root>},
    Function{"greatest", 1, kAny, extreme<true>},
    Function{"least", 1, kAny, extreme<false>},
    Function{"ispresent", 1, 1, is_present},
    Function{"coalesce", 1, kAny, coalesce},
    Function{"isempty", 1, 1, is_empty},
    Function{"isblank", 1, 1, is_blank},
    Function{"concat", 1, kAny, concat},
    Function{"trim", 1, 2, trim<true, true>},
    Function{"ltrim", 1, 2, trim<true, false>},
    Function{"rtrim", 1, 2, trim<false, true>},
    Function{"strlen", 1, 1, string_length},
    Function{"toupper", 1, 1, in_case<upper_letter>},
    Function{"tolower", 1, 1, in_case<lower_letter>},
    Function{"substr", 2, 3, substring},
    Function{"replace", 3, 3, replace},
    Function{"strcontains", 2, 2, string_contains},
    Function{"frommillis", 1, 1, from_millis},
    Function{"tomillis", 1, 1, to_millis},
    Function{"isvalidip", 1, 1, is_valid_ip<0>},
    Function{"isvalidipv4", 1, 1, is_valid_ip<AF_INET>},
    Function{"isvalidipv6", 1, 1, is_valid_ip<AF_INET6>},
    Function{"isipinsubnet", 2, 2, is_in_subnet<0>},
    Function{"isipv4insubnet", 2, 2, is_in_subnet<AF_INET>},
    Function{"isipv6insubnet", 2, 2, is_in_subnet<AF_INET6>},
};

}  // namespace

const Function* find_function(std::string_view name) {
  const std::string key = lower(name);
  const auto* found = std::find_if(kFunctions.begin(), kFunctions.end(),
                                   [&](const Function& one) { return one.name == key; });
  return found == kFunctions.end() ? nullptr : found;
}

}  // namespace landfall::logs::insights
