// List, Map and Box: the containers of the generated types.
//
// AWS tells an empty list from none at all. List and Map say `given()` when the request had the
// member, even empty, or when there are items; a serializer writes those. To answer with an empty
// list, set `present`. (Lists and maps at the top level of an answer are always written.)
#pragma once

#include <concepts>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/record.h"

namespace landfall::wire {

struct Shape;

// A generated structure: it carries its description.
template <class T>
concept Modelled = requires {
  { T::kShape } -> std::convertible_to<const Shape&>;
};

template <class T>
struct List : std::vector<T> {
  using std::vector<T>::vector;
  List() = default;
  List(std::vector<T> items) : std::vector<T>(std::move(items)), present(true) {}  // NOLINT
  bool given() const { return present || !this->empty(); }
  bool present = false;
};

template <class T>
struct Map : std::map<std::string, T> {
  using std::map<std::string, T>::map;
  Map() = default;
  Map(std::map<std::string, T> items)  // NOLINT
      : std::map<std::string, T>(std::move(items)), present(true) {}
  bool given() const { return present || !this->empty(); }
  bool present = false;
};

// An optional T on the heap, where a type contains itself.
template <class T>
class Box {
 public:
  Box() = default;
  Box(T value) : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(Box other) noexcept {
    value_.swap(other.value_);
    return *this;
  }
  explicit operator bool() const { return value_ != nullptr; }
  bool has_value() const { return value_ != nullptr; }
  T& emplace() { return *(value_ = std::make_unique<T>()); }
  void reset() { value_.reset(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
};

// For base/record.h, which finds these by argument-dependent look-up (the generated namespaces name
// them with `using`).
json::value encode_record(const Shape& shape, const void* structure);
bool decode_record(const Shape& shape, const json::value& from, void* structure);

template <Modelled T>
json::value to_json(const T& structure) {
  return encode_record(T::kShape, &structure);
}

template <Modelled T>
bool from_json(const json::value& from, T& out) {
  return decode_record(T::kShape, from, &out);
}

template <class T>
json::value to_json(const List<T>& list) {
  if (!list.given()) return nullptr;
  json::array out;
  out.reserve(list.size());
  for (const T& item : list) out.push_back(record::encode(item));
  return out;
}

template <class T>
bool from_json(const json::value& from, List<T>& out) {
  out = {};
  if (from.is_null()) return true;
  if (!from.is_array()) return false;
  out.present = true;
  out.reserve(from.get_array().size());
  for (const json::value& item : from.get_array()) {
    if (!record::decode(item, out.emplace_back())) return false;
  }
  return true;
}

template <class T>
json::value to_json(const Map<T>& map) {
  if (!map.given()) return nullptr;
  json::object out;
  for (const auto& [key, item] : map) out[key] = record::encode(item);
  return out;
}

template <class T>
bool from_json(const json::value& from, Map<T>& out) {
  out = {};
  if (from.is_null()) return true;
  if (!from.is_object()) return false;
  out.present = true;
  for (const auto& [key, item] : from.get_object()) {
    if (!record::decode(item, out[std::string(key)])) return false;
  }
  return true;
}

}  // namespace landfall::wire
