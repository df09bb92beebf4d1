#include "wire/json.h"

#include <cmath>

#include "base/bytes.h"
#include "wire/scalar.h"

namespace landfall::wire {
namespace {

constexpr std::size_t kMostNested = 64;

std::unexpected<Error> unserializable(std::string message) {
  return fail("SerializationException", std::move(message));
}

std::string_view kind_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return "STRING_VALUE";
    case json::kind::bool_:
      return value.get_bool() ? "TRUE_VALUE" : "FALSE_VALUE";
    case json::kind::object:
      return "START_OBJECT";
    case json::kind::array:
      return "START_ARRAY";
    case json::kind::double_:
      return "DECIMAL_VALUE";
    default:
      return "NUMBER_VALUE";
  }
}

std::unexpected<Error> mismatch(const json::value& from, std::string_view wanted) {
  return unserializable(fmt::format("{} cannot be converted to {}", kind_of(from), wanted));
}

bool to_integer(const json::value& from, std::int64_t& out) {
  if (from.is_int64()) return out = from.get_int64(), true;
  if (from.is_double()) return read_integer(from.get_double(), out);
  return false;
}

Result<void> read_scalar_json(const Shape& shape, const json::value& from, void* out) {
  std::int64_t integer = 0;
  switch (shape.kind) {
    case Kind::string:
      if (!from.is_string()) return mismatch(from, "String");
      static_cast<std::string*>(out)->assign(from.get_string().data(), from.get_string().size());
      return {};
    case Kind::blob: {
      if (!from.is_string()) return mismatch(from, "Blob");
      auto bytes = base64_decode({from.get_string().data(), from.get_string().size()});
      if (!bytes) return unserializable("a blob is not base64");
      *static_cast<std::string*>(out) = std::move(*bytes);
      return {};
    }
    case Kind::boolean:
      if (!from.is_bool()) return mismatch(from, "Boolean");
      *static_cast<bool*>(out) = from.get_bool();
      return {};
    case Kind::int32:
      if (!to_integer(from, integer) || integer != static_cast<std::int32_t>(integer))
        return mismatch(from, "Integer");
      *static_cast<std::int32_t*>(out) = static_cast<std::int32_t>(integer);
      return {};
    case Kind::int64:
      if (!to_integer(from, integer)) return mismatch(from, "Long");
      *static_cast<std::int64_t*>(out) = integer;
      return {};
    case Kind::float64: {
      boost::system::error_code error;
      const auto number = from.is_string() ? 0 : from.to_number<double>(error);
      if (from.is_string()) {
        const std::string_view text(from.get_string().data(), from.get_string().size());
        if (text.size() < 3 || text.find_first_of("0123456789") != text.npos ||
            !read_scalar(shape, text, out)) {
          return mismatch(from, "Double");
        }
        return {};
      }
      if (error || !std::isfinite(number)) return mismatch(from, "Double");
      *static_cast<double*>(out) = number;
      return {};
    }
    case Kind::timestamp: {
      boost::system::error_code error;
      bool good = false;
      if (from.is_string()) {
        good = read_scalar(shape, {from.get_string().data(), from.get_string().size()}, out);
      } else if (from.is_number()) {
        good = read_epoch(from.to_number<double>(error), *static_cast<TimePoint*>(out)) && !error;
      }
      if (!good) return mismatch(from, "Timestamp");
      return {};
    }
    default:
      *static_cast<json::value*>(out) = from;
      return {};
  }
}

Result<void> read_structure(const Shape& shape, const json::object& from, void* out,
                            Problems& problems, const Path& path) {
  for (const Member& member : shape.members) {
    if (member.location != Location::body) continue;
    const json::value* found = from.if_contains(
        json::string_view(member.location_name.data(), member.location_name.size()));
    const Path here{&path, &member};
    if (found && !found->is_null()) {
      LF_OK(read_json(*member.shape, *found, place(member, out), problems, here));
    } else if (member.required) {
      problems.missing(here);
    }
  }
  return {};
}

}  // namespace

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMostNested;
  boost::system::error_code error;
  json::value parsed = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error == json::error::too_deep) return unserializable("the JSON is nested too deeply");
  if (error) return unserializable(fmt::format("the body is not JSON: {}", error.message()));
  return parsed;
}

Result<void> read_json(const Shape& shape, const json::value& from, void* out, Problems& problems,
                       const Path& path) {
  switch (shape.kind) {
    case Kind::structure:
      if (!from.is_object())
        return unserializable(fmt::format("{} found where a structure is expected", kind_of(from)));
      return read_structure(shape, from.get_object(), out, problems, path);
    case Kind::list: {
      if (!from.is_array())
        return unserializable(fmt::format("{} found where a list is expected", kind_of(from)));
      shape.list->set_present(out);
      std::int64_t index = 0;
      for (const json::value& item : from.get_array()) {
        ++index;
        if (item.is_null()) continue;
        LF_OK(read_json(*shape.element, item, shape.list->append(out), problems,
                        Path{&path, nullptr, index}));
      }
      return {};
    }
    case Kind::map:
      if (!from.is_object())
        return unserializable(fmt::format("{} found where a map is expected", kind_of(from)));
      shape.map->set_present(out);
      for (const auto& [key, value] : from.get_object()) {
        if (value.is_null()) continue;
        const std::string_view name(key.data(), key.size());
        LF_OK(read_json(*shape.element, value, shape.map->insert(out, std::string(name)), problems,
                        Path{&path, nullptr, -1, name}));
      }
      return {};
    default:
      return read_scalar_json(shape, from, out);
  }
}

void write_json_string(std::string_view text, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  if (!is_valid_utf8(text)) return write_json_string(valid_utf8(text), out);
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, done, i - done);
    done = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += kDigits[c >> 4];
        out += kDigits[c & 15];
    }
  }
  out.append(text, done);
  out += '"';
}

void write_json(const Shape& shape, const void* value, std::string& out, bool root) {
  auto separate = [&out, first = true]() mutable {
    if (!std::exchange(first, false)) out += ',';
  };
  switch (shape.kind) {
    case Kind::structure:
      out += '{';
      for (const Member& member : shape.members) {
        if (member.location != Location::body) continue;
        const void* found = look(member, value);
        const bool container = member.shape->kind == Kind::list || member.shape->kind == Kind::map;
        if (!found && root && container) found = static_cast<const char*>(value) + member.offset;
        if (!found) continue;
        separate();
        write_json_string(member.location_name, out);
        out += ':';
        if (member.shape->kind == Kind::timestamp &&
            member.time_format != TimeFormat::by_protocol &&
            member.time_format != TimeFormat::epoch) {
          write_json_string(
              write_scalar(*member.shape, found, member.time_format, TimeFormat::epoch), out);
        } else {
          write_json(*member.shape, found, out);
        }
      }
      out += '}';
      return;
    case Kind::list:
      out += '[';
      each_item(shape, value, [&](const void* item) {
        separate();
        write_json(*shape.element, item, out);
      });
      out += ']';
      return;
    case Kind::map:
      out += '{';
      each_entry(shape, value, [&](const std::string& key, const void* item) {
        separate();
        write_json_string(key, out);
        out += ':';
        write_json(*shape.element, item, out);
      });
      out += '}';
      return;
    case Kind::string:
      return write_json_string(*static_cast<const std::string*>(value), out);
    case Kind::blob:
      return write_json_string(write_scalar(shape, value, TimeFormat::epoch, TimeFormat::epoch),
                               out);
    case Kind::document:
      out += json::serialize(*static_cast<const json::value*>(value));
      return;
    case Kind::float64:
      if (!std::isfinite(*static_cast<const double*>(value))) {
        return write_json_string(write_scalar(shape, value, TimeFormat::epoch, TimeFormat::epoch),
                                 out);
      }
      [[fallthrough]];
    default:
      out += write_scalar(shape, value, TimeFormat::epoch, TimeFormat::epoch);
  }
}

}  // namespace landfall::wire
