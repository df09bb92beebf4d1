#include "services/logs/insights/row.h"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <charconv>

#include "base/bytes.h"

namespace landfall::logs::insights {

namespace {

namespace json = boost::json;

constexpr std::pair<std::string_view, Source> kAutomatic[] = {
    {"@timestamp", Source::timestamp},
    {"@ingestionTime", Source::ingestion_time},
    {"@message", Source::message},
    {"@logStream", Source::log_stream},
    {"@log", Source::log},
    {"@ptr", Source::pointer},
};

bool looks_like_object(std::string_view message) {
  const auto first = message.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && message[first] == '{';
}

// Absent for objects, arrays and null.
Value scalar(const json::value& value, Arena& arena) {
  switch (value.kind()) {
    case json::kind::string:
      return Value::of(arena.keep({value.get_string().data(), value.get_string().size()}));
    case json::kind::bool_:
      return Value::of(value.get_bool());
    case json::kind::double_:
      return {Value::Kind::number, value.get_double(),
              arena.keep(fmt::format("{}", value.get_double()))};
    case json::kind::int64:  // all digits, where a double would lose some
      return {Value::Kind::number, static_cast<double>(value.get_int64()),
              arena.keep(fmt::format("{}", value.get_int64()))};
    case json::kind::uint64:
      return {Value::Kind::number, static_cast<double>(value.get_uint64()),
              arena.keep(fmt::format("{}", value.get_uint64()))};
    default:
      return {};
  }
}

// Keys may hold dots themselves: the longest that fits is taken first.
const json::value* find(const json::value& from, std::string_view path) {
  if (from.is_array()) {
    std::size_t index = 0;
    const auto end = std::min(path.find('.'), path.size());
    const auto [last, error] = std::from_chars(path.data(), path.data() + end, index);
    if (error != std::errc() || last != path.data() + end || index >= from.get_array().size()) {
      return nullptr;
    }
    const json::value& item = from.get_array()[index];
    return end == path.size() ? &item : find(item, path.substr(end + 1));
  }
  if (!from.is_object()) return nullptr;
  const json::object& object = from.get_object();
  if (const json::value* whole = object.if_contains(path)) return whole;
  for (auto dot = path.rfind('.'); dot != std::string_view::npos && dot != 0;
       dot = path.rfind('.', dot - 1)) {
    if (const json::value* part = object.if_contains(path.substr(0, dot))) {
      if (const json::value* found = find(*part, path.substr(dot + 1))) return found;
    }
  }
  return nullptr;
}

// A key that begins with @ gets another one, so that it is not taken for an automatic field.
std::string_view key_of(std::string_view field) {
  return field.starts_with("@@") ? field.substr(1) : field;
}

void walk(const json::value& value, std::string& name, Arena& arena,
          const std::function<void(std::string_view, const Value&)>& found) {
  const std::size_t size = name.size();
  const auto step = [&](std::string_view key, const json::value& item) {
    if (!name.empty()) {
      name += '.';
    } else if (key.starts_with('@')) {
      name += '@';
    }
    name += key;
    walk(item, name, arena, found);
    name.resize(size);
  };
  if (value.is_object()) {
    for (const auto& [key, item] : value.get_object()) step(key, item);
  } else if (value.is_array()) {
    std::size_t index = 0;
    for (const json::value& item : value.get_array()) step(std::to_string(index++), item);
  } else if (const Value leaf = scalar(value, arena); leaf.present()) {
    found(name, leaf);
  }
}

}  // namespace

std::string Event::pointer() const {
  std::string bytes;
  for (const std::uint64_t number :
       {static_cast<std::uint64_t>(group), static_cast<std::uint64_t>(stream),
        static_cast<std::uint64_t>(position.time_ms), position.sequence,
        std::uint64_t{position.index}}) {
    put_number(bytes, number);
  }
  return base64_encode(bytes);
}

bool Event::parse_pointer(std::string_view text, Event& out) {
  const auto bytes = base64_decode(text);
  if (!bytes || bytes->size() != 40) return false;
  out.group = static_cast<std::int64_t>(number_at(*bytes, 0));
  out.stream = static_cast<std::int64_t>(number_at(*bytes, 8));
  out.position.time_ms = static_cast<std::int64_t>(number_at(*bytes, 16));
  out.position.sequence = number_at(*bytes, 24);
  out.position.index = static_cast<std::uint32_t>(number_at(*bytes, 32));
  return out.position.time_ms >= 0;
}

Source source_of(std::string_view field) {
  for (const auto& [name, source] : kAutomatic) {
    if (field == name) return source;
  }
  return Source::discovered;
}

void Row::begin(const Event& event) {
  event_ = &event;
  std::fill(known_.begin(), known_.end(), char{0});
  arena_.clear();
}

void Row::begin() {
  event_ = nullptr;
  std::fill(known_.begin(), known_.end(), char{1});
  std::fill(values_.begin(), values_.end(), Value());
  arena_.clear();
}

void Row::load(std::size_t slot) {
  switch (layout_[slot].source) {
    case Source::computed:
      return set(slot, {});
    case Source::timestamp:
      return set(slot, Value::time(static_cast<double>(event_->position.time_ms)));
    case Source::ingestion_time:
      return set(slot, Value::time(static_cast<double>(event_->ingestion_ms)));
    case Source::message:
      return set(slot, Value::of(event_->message));
    case Source::log_stream:
      return set(slot, Value::of(event_->stream_name));
    case Source::log:
      return set(slot, Value::of(event_->log));
    case Source::pointer:
      return set(slot, Value::of(arena_.keep(event_->pointer())));
    case Source::discovered:
      return discover();
  }
}

// All at once: the message is taken apart once.
void Row::discover() {
  unsigned char buffer[16 << 10];
  json::monotonic_resource memory(buffer, sizeof buffer);
  json::value event(&memory);
  if (looks_like_object(event_->message)) {
    boost::system::error_code error;
    event = json::parse({event_->message.data(), event_->message.size()}, error, &memory);
    if (error) event = nullptr;
  }
  for (std::size_t slot = 0; slot < layout_.size(); ++slot) {
    if (layout_[slot].source != Source::discovered || known_[slot]) continue;
    const json::value* value = find(event, key_of(layout_[slot].name));
    set(slot, value != nullptr ? scalar(*value, arena_) : Value());
  }
}

void discover_fields(std::string_view message,
                     const std::function<void(std::string_view, const Value&)>& found) {
  if (!looks_like_object(message)) return;
  boost::system::error_code error;
  const json::value event = json::parse({message.data(), message.size()}, error);
  if (error || !event.is_object()) return;
  std::string name;
  Arena arena;
  walk(event, name, arena, found);
}

}  // namespace landfall::logs::insights
