// Generated types in the store's records: AWS's member names, times as milliseconds, blobs as
// base64.
#include "base/bytes.h"
#include "wire/json.h"
#include "wire/scalar.h"

namespace landfall::wire {
namespace {

json::value encode(const Shape& shape, const void* value) {
  switch (shape.kind) {
    case Kind::structure: {
      json::object out;
      for (const Member& member : shape.members) {
        const void* found = look(member, value);
        if (found)
          out[json::string_view(member.name.data(), member.name.size())] =
              encode(*member.shape, found);
      }
      return out;
    }
    case Kind::list: {
      json::array out;
      out.reserve(shape.list->size(value));
      each_item(shape, value,
                [&](const void* item) { out.push_back(encode(*shape.element, item)); });
      return out;
    }
    case Kind::map: {
      json::object out;
      each_entry(shape, value, [&](const std::string& key, const void* item) {
        out[key] = encode(*shape.element, item);
      });
      return out;
    }
    case Kind::string:
      return json::value(valid_utf8(*static_cast<const std::string*>(value)));
    case Kind::blob:
      return json::value(base64_encode(*static_cast<const std::string*>(value)));
    case Kind::boolean:
      return *static_cast<const bool*>(value);
    case Kind::int32:
      return *static_cast<const std::int32_t*>(value);
    case Kind::int64:
      return *static_cast<const std::int64_t*>(value);
    case Kind::float64:
      return *static_cast<const double*>(value);
    case Kind::timestamp:
      return to_unix_ms(*static_cast<const TimePoint*>(value));
    case Kind::document:
      return *static_cast<const json::value*>(value);
  }
  return nullptr;
}

bool decode(const Shape& shape, const json::value& from, void* out) {
  switch (shape.kind) {
    case Kind::structure:
      if (!from.is_object()) return false;
      return std::ranges::all_of(shape.members, [&](const Member& member) {
        const auto* found = from.get_object().if_contains(
            json::string_view(member.name.data(), member.name.size()));
        return !found || found->is_null() || decode(*member.shape, *found, place(member, out));
      });
    case Kind::list:
      if (!from.is_array()) return false;
      shape.list->set_present(out);
      return std::ranges::all_of(from.get_array(), [&](const json::value& item) {
        return decode(*shape.element, item, shape.list->append(out));
      });
    case Kind::map:
      if (!from.is_object()) return false;
      shape.map->set_present(out);
      return std::ranges::all_of(from.get_object(), [&](const auto& entry) {
        return decode(*shape.element, entry.value(),
                      shape.map->insert(out, std::string(entry.key())));
      });
    case Kind::blob: {
      std::string text;
      if (!record::decode(from, text)) return false;
      auto bytes = base64_decode(text);
      if (bytes) *static_cast<std::string*>(out) = std::move(*bytes);
      return bytes.has_value();
    }
    case Kind::string:
      return record::decode(from, *static_cast<std::string*>(out));
    case Kind::boolean:
      return record::decode(from, *static_cast<bool*>(out));
    case Kind::int32:
      return record::decode(from, *static_cast<std::int32_t*>(out));
    case Kind::int64:
      return record::decode(from, *static_cast<std::int64_t*>(out));
    case Kind::float64:
      return record::decode(from, *static_cast<double*>(out));
    case Kind::timestamp:
      return record::decode(from, *static_cast<TimePoint*>(out));
    case Kind::document:
      return record::decode(from, *static_cast<json::value*>(out));
  }
  return false;
}

}  // namespace

json::value encode_record(const Shape& shape, const void* structure) {
  return encode(shape, structure);
}

bool decode_record(const Shape& shape, const json::value& from, void* structure) {
  return decode(shape, from, structure);
}

}  // namespace landfall::wire
