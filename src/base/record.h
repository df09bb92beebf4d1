// Records as JSON, from one list of their members:
//
//   struct Cluster { std::string name; std::optional<int> limit; std::vector<Tag> tags; };
//   LF_RECORD(Cluster, name, limit, tags)
//
// Members missing in the text keep their defaults and unknown ones are skipped, so records of older
// and newer versions read. A member of a wrong type is an error. Supported: bool, integers, double,
// std::string, enums (by number), TimePoint, boost::json::value, std::optional, std::vector,
// std::set, std::map<std::string, T>, records, and every type with its own to_json/from_json found
// by argument-dependent look-up (the generated wire types have them).
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/preprocessor/seq/for_each.hpp>
#include <boost/preprocessor/stringize.hpp>
#include <boost/preprocessor/variadic/to_seq.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace landfall {

namespace json = boost::json;

namespace record {

template <class T>
concept Reflected = requires(T& value) { visit_members(value, [](const char*, auto&) {}); };

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsSet : std::false_type {};
template <class T>
struct IsSet<std::set<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

template <class T>
json::value encode(const T& value) {
  if constexpr (std::is_same_v<T, json::value>) {
    return value;
  } else if constexpr (std::is_same_v<T, TimePoint>) {
    return to_unix_ms(value);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::int64_t>(value);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    return json::value(value);
  } else if constexpr (IsOptional<T>::value) {
    return value ? encode(*value) : json::value(nullptr);
  } else if constexpr (IsVector<T>::value || IsSet<T>::value) {
    json::array out;
    out.reserve(value.size());
    for (const auto& item : value) out.push_back(encode(item));
    return out;
  } else if constexpr (IsMap<T>::value) {
    json::object out;
    for (const auto& [key, item] : value) out[key] = encode(item);
    return out;
  } else if constexpr (Reflected<const T>) {
    json::object out;
    visit_members(value, [&](const char* name, const auto& member) {
      json::value encoded = encode(member);
      if (!encoded.is_null()) out[name] = std::move(encoded);
    });
    return out;
  } else {
    return to_json(value);
  }
}

// False when the text has another type than the member.
template <class T>
bool decode(const json::value& from, T& out) {
  if constexpr (std::is_same_v<T, json::value>) {
    out = from;
    return true;
  } else if constexpr (std::is_same_v<T, TimePoint>) {
    if (!from.is_int64()) return false;
    out = from_unix_ms(from.get_int64());
    return true;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!from.is_bool()) return false;
    out = from.get_bool();
    return true;
  } else if constexpr (std::is_enum_v<T>) {
    if (!from.is_int64()) return false;
    out = static_cast<T>(from.get_int64());
    return true;
  } else if constexpr (std::is_arithmetic_v<T>) {
    boost::system::error_code error;
    out = from.to_number<T>(error);
    return !error;
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!from.is_string()) return false;
    out.assign(from.get_string().data(), from.get_string().size());
    return true;
  } else if constexpr (IsOptional<T>::value) {
    if (from.is_null()) return out.reset(), true;
    return decode(from, out.emplace());
  } else if constexpr (IsVector<T>::value || IsSet<T>::value) {
    if (!from.is_array()) return false;
    out.clear();
    for (const json::value& item : from.get_array()) {
      typename T::value_type decoded{};
      if (!decode(item, decoded)) return false;
      out.insert(out.end(), std::move(decoded));
    }
    return true;
  } else if constexpr (IsMap<T>::value) {
    if (!from.is_object()) return false;
    out.clear();
    for (const auto& [key, item] : from.get_object()) {
      if (!decode(item, out[std::string(key)])) return false;
    }
    return true;
  } else if constexpr (Reflected<T>) {
    if (!from.is_object()) return false;
    bool good = true;
    visit_members(out, [&](const char* name, auto& member) {
      if (const json::value* found = from.get_object().if_contains(name))
        good = good && decode(*found, member);
    });
    return good;
  } else {
    return from_json(from, out);
  }
}

template <class T>
std::string to_text(const T& value) {
  return json::serialize(encode(value));
}

template <class T>
Result<T> from_text(std::string_view text) {
  boost::system::error_code error;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), error);
  T out{};
  if (error || !decode(parsed, out))
    return fail("record-unreadable", "a stored record cannot be read", 500);
  return out;
}

}  // namespace record
}  // namespace landfall

#define LF_RECORD_MEMBER_(r, value, member) visit(BOOST_PP_STRINGIZE(member), value.member);
// At namespace scope, in the record's own namespace.
#define LF_RECORD(Type, ...)                                                               \
  template <class Value, class Visitor>                                                    \
    requires std::is_same_v<std::remove_const_t<Value>, Type>                              \
  void visit_members([[maybe_unused]] Value& value, [[maybe_unused]] Visitor&& visit) {    \
    BOOST_PP_SEQ_FOR_EACH(LF_RECORD_MEMBER_, value, BOOST_PP_VARIADIC_TO_SEQ(__VA_ARGS__)) \
  }
