// One row on its way through a query: a log event with the fields that the query knows by name, or
// what an aggregation made of many. Fields of events are looked up when somebody asks for them.
#pragma once

#include <vector>

#include "services/logs/engine/block.h"
#include "services/logs/insights/value.h"

namespace landfall::logs::insights {

// A log event and where it is from.
struct Event {
  std::int64_t group = 0;
  std::int64_t stream = 0;
  std::string_view log;  // ACCOUNT:GROUP
  std::string_view stream_name;
  Position position;
  std::int64_t ingestion_ms = 0;
  std::string_view message;

  // @ptr, and back. Position and numbers only; whoever reads it checks that they exist.
  std::string pointer() const;
  static bool parse_pointer(std::string_view text, Event& out);
};

enum class Source : std::uint8_t {
  computed,  // by the query itself
  timestamp,
  ingestion_time,
  message,
  log_stream,
  log,
  pointer,
  discovered,  // in the event's JSON
};
// What an event has under this name.
Source source_of(std::string_view field);

struct Slot {
  std::string name;
  Source source = Source::computed;
};
using Layout = std::vector<Slot>;

class Row {
 public:
  explicit Row(const Layout& layout)
      : layout_(layout), values_(layout.size()), known_(layout.size()) {}

  // `event` and its texts must outlive the use of this row.
  void begin(const Event& event);
  // A row that has computed fields only; all absent.
  void begin();

  const Value& get(std::size_t slot) {
    if (!known_[slot]) load(slot);
    return values_[slot];
  }
  void set(std::size_t slot, const Value& value) {
    values_[slot] = value;
    known_[slot] = true;
  }
  Arena& arena() { return arena_; }
  const Layout& layout() const { return layout_; }

 private:
  void load(std::size_t slot);
  void discover();

  const Layout& layout_;
  const Event* event_ = nullptr;
  std::vector<Value> values_;
  std::vector<char> known_;
  Arena arena_;
};

// The fields of a JSON event as Insights names them: "a.b", "list.0.id". Calls `found` for each
// value that is not an object or array; nothing for a message that is no JSON object.
void discover_fields(std::string_view message,
                     const std::function<void(std::string_view name, const Value& value)>& found);

}  // namespace landfall::logs::insights
