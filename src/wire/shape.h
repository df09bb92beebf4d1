// What the generator knows about AWS's shapes, as constant tables: the codecs, validation and
// records work over these.
//
// A structure's value is one of the generated aggregates, reached as `void*` plus its Shape. Lists
// and maps are wire::List and wire::Map; the few functions that need the C++ type are the Ops
// below.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "wire/containers.h"

namespace landfall::wire {

enum class Kind : std::uint8_t {
  structure,
  list,
  map,
  string,
  blob,
  boolean,
  int32,
  int64,
  float64,
  timestamp,
  document,
};

enum class TimeFormat : std::uint8_t { by_protocol, epoch, iso8601, http_date };

// Where a member travels in the REST protocols.
enum class Location : std::uint8_t { body, header, headers, uri, query_string, status };

inline constexpr std::int64_t kNoMinimum = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kNoMaximum = std::numeric_limits<std::int64_t>::max();

// One position of a pattern: a set of ASCII characters, how often it may stand there.
struct PatternStep {
  std::uint64_t low = 0;   // characters 0-63
  std::uint64_t high = 0;  // characters 64-127
  bool beyond_ascii = false;
  bool optional = false;
  bool repeated = false;
};

struct Constraints {
  std::int64_t min = kNoMinimum;  // length, size or value
  std::int64_t max = kNoMaximum;
  std::span<const std::string_view> values;  // of an enum
  std::string_view pattern;                  // as AWS writes it, for the message
  std::span<const PatternStep> steps;        // empty: not checked
  bool sensitive = false;                    // never shown
};

struct Shape;

struct Member {
  std::string_view name;           // AWS's own
  std::string_view location_name;  // in JSON and XML bodies, headers, URIs
  std::string_view query_name;     // in form parameters
  const Shape* shape = nullptr;
  std::uint32_t offset = 0;
  Location location = Location::body;
  TimeFormat time_format = TimeFormat::by_protocol;
  bool required = false;
  bool optional = false;  // held as std::optional
  bool boxed = false;     // held as wire::Box
  bool flattened = false;
  bool xml_attribute = false;
  bool idempotency_token = false;
  std::string_view xml_namespace;  // "prefix uri", or "uri"
};

struct StructureOps {
  void* (*make)() = nullptr;
  void (*destroy)(void* value) = nullptr;
  const void* (*look)(const void* optional) = nullptr;  // null when empty
  void* (*place)(void* optional) = nullptr;
  const void* (*look_boxed)(const void* box) = nullptr;
  void* (*place_boxed)(void* box) = nullptr;
};

struct ListOps {
  std::size_t stride = 0;
  const void* (*data)(const void* list) = nullptr;
  std::size_t (*size)(const void* list) = nullptr;
  bool (*given)(const void* list) = nullptr;
  void (*set_present)(void* list) = nullptr;
  void* (*append)(void* list) = nullptr;
};

struct MapOps {
  std::size_t (*size)(const void* map) = nullptr;
  bool (*given)(const void* map) = nullptr;
  void (*set_present)(void* map) = nullptr;
  void* (*insert)(void* map, std::string key) = nullptr;
  using Visit = void (*)(void* state, const std::string& key, const void* value);
  void (*each)(const void* map, void* state, Visit visit) = nullptr;
};

struct Shape {
  Kind kind = Kind::structure;
  std::string_view name;
  const Constraints* constraints = nullptr;
  // structures
  std::span<const Member> members;
  std::string_view payload;  // the member that is the whole body, in the REST protocols
  const StructureOps* structure = nullptr;
  // lists and maps
  const Shape* element = nullptr;
  std::string_view
      element_name;  // location name of list items or map values; empty: the protocol's default
  std::string_view key_name;
  const Shape* key = nullptr;
  const ListOps* list = nullptr;
  const MapOps* map = nullptr;
};

// Without constraints, shared by all services.
inline constexpr Shape kString{.kind = Kind::string, .name = "String"};
inline constexpr Shape kBlob{.kind = Kind::blob, .name = "Blob"};
inline constexpr Shape kBoolean{.kind = Kind::boolean, .name = "Boolean"};
inline constexpr Shape kInt32{.kind = Kind::int32, .name = "Integer"};
inline constexpr Shape kInt64{.kind = Kind::int64, .name = "Long"};
inline constexpr Shape kFloat64{.kind = Kind::float64, .name = "Double"};
inline constexpr Shape kTimestamp{.kind = Kind::timestamp, .name = "Timestamp"};
inline constexpr Shape kDocument{.kind = Kind::document, .name = "Document"};

template <class T>
struct StructureOpsOf {
  static void* make() { return new T(); }
  static void destroy(void* value) { delete static_cast<T*>(value); }
  static const void* look(const void* optional) {
    const auto& held = *static_cast<const std::optional<T>*>(optional);
    return held ? &*held : nullptr;
  }
  static void* place(void* optional) {
    return &static_cast<std::optional<T>*>(optional)->emplace();
  }
  static const void* look_boxed(const void* box) {
    const auto& held = *static_cast<const Box<T>*>(box);
    return held ? &*held : nullptr;
  }
  static void* place_boxed(void* box) { return &static_cast<Box<T>*>(box)->emplace(); }
};

template <class T>
struct ListOpsOf {
  static const void* data(const void* list) { return static_cast<const List<T>*>(list)->data(); }
  static std::size_t size(const void* list) { return static_cast<const List<T>*>(list)->size(); }
  static bool given(const void* list) { return static_cast<const List<T>*>(list)->given(); }
  static void set_present(void* list) { static_cast<List<T>*>(list)->present = true; }
  static void* append(void* list) { return &static_cast<List<T>*>(list)->emplace_back(); }
  static constexpr ListOps ops{sizeof(T), data, size, given, set_present, append};
};

template <class T>
struct MapOpsOf {
  static std::size_t size(const void* map) { return static_cast<const Map<T>*>(map)->size(); }
  static bool given(const void* map) { return static_cast<const Map<T>*>(map)->given(); }
  static void set_present(void* map) { static_cast<Map<T>*>(map)->present = true; }
  static void* insert(void* map, std::string key) {
    return &(*static_cast<Map<T>*>(map))[std::move(key)];
  }
  static void each(const void* map, void* state, MapOps::Visit visit) {
    for (const auto& [key, value] : *static_cast<const Map<T>*>(map)) visit(state, key, &value);
  }
  static constexpr MapOps ops{size, given, set_present, insert, each};
};

// The member's value inside a structure, or null when it is absent. Lists and maps count as present
// when `given`.
const void* look(const Member& member, const void* structure);
// Makes the member present and returns its value.
void* place(const Member& member, void* structure);

template <class Visit>
void each_item(const Shape& shape, const void* list, Visit&& visit) {
  const auto* at = static_cast<const char*>(shape.list->data(list));
  const std::size_t size = shape.list->size(list);
  for (std::size_t i = 0; i < size; ++i, at += shape.list->stride)
    visit(static_cast<const void*>(at));
}

template <class Visit>
void each_entry(const Shape& shape, const void* map, Visit&& visit) {
  using Plain = std::remove_reference_t<Visit>;
  shape.map->each(map, const_cast<void*>(static_cast<const void*>(&visit)),
                  [](void* state, const std::string& key, const void* value) {
                    (*static_cast<Plain*>(state))(key, value);
                  });
}

// Same shape, same content.
bool equal(const Shape& shape, const void* a, const void* b);
template <Modelled T>
bool equal(const T& a, const T& b) {
  return equal(T::kShape, &a, &b);
}

}  // namespace landfall::wire
