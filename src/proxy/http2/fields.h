// Fields between their HTTP/1 form, "Name: value" lines, and the one nghttp2 wants.
#pragma once

#include <nghttp2/nghttp2.h>

#include <string>
#include <string_view>
#include <vector>

#include "proxy/http1/head.h"
#include "proxy/http1/scan.h"

namespace landfall::proxy {

// A list for nghttp2, with names in lower case.
class FieldList {
 public:
  void add(std::string_view name, std::string_view value);
  // "Name: value\r\n" ...
  void add_lines(std::string_view lines);
  // Valid until the next add().
  const std::vector<nghttp2_nv>& list();

 private:
  struct Part {
    std::size_t at, name, value;
  };
  std::string text_;
  std::vector<Part> parts_;
  std::vector<nghttp2_nv> list_;
};

// Belongs to one hop of HTTP/1 (RFC 9113, 8.2.2).
bool is_connection_specific(http1::Name name);

// Adds a trailer field to `lines`, unless it is one that must not come that late (RFC 9110, 6.5.1).
// False: the limit is passed.
bool add_trailer(std::string& lines, std::string_view name, std::string_view value);

}  // namespace landfall::proxy
