// What a request breaks of its model, collected while it is parsed and validated, so that the
// answer names all of it.
#pragma once

#include "base/result.h"
#include "wire/service.h"

namespace landfall::wire {

// Where in the input we are. Lives on the stack of the walk, so it costs nothing until a problem is
// written down.
struct Path {
  const Path* parent = nullptr;
  const Member* member = nullptr;  // of a structure, or
  std::int64_t index = -1;         // of a list, counted from 1, or
  std::string_view key;            // of a map
};

class Problems {
 public:
  explicit Problems(const ServiceModel& service) : service_(service) {}

  void missing(const Path& path);
  // `constraint` in AWS's words: "Member must have length less than or equal to 64".
  void broken(const Path& path, std::string value, std::string constraint);
  bool empty() const { return items_.empty(); }
  // In the words of the service. Only when not empty.
  Error error() const;
  // A value that is not of its type at all, in form parameters, URIs and headers.
  Error unreadable(const Path& path, std::string_view value) const;

 private:
  struct Item {
    std::string path;
    std::string value;  // as shown
    std::string constraint;
    bool missing;
  };
  std::string show(const Path& path) const;
  void add(Item item);

  const ServiceModel& service_;
  std::vector<Item> items_;
};

}  // namespace landfall::wire
