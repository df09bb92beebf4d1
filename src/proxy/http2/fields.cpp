#include "proxy/http2/fields.h"

namespace landfall::proxy {

using http1::Name;

void FieldList::add(std::string_view name, std::string_view value) {
  const std::size_t at = text_.size();
  for (const char c : name) text_ += http1::lower(c);
  text_.append(value);
  parts_.push_back({at, name.size(), value.size()});
}

void FieldList::add_lines(std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    const std::size_t colon = line.find(':');
    add(line.substr(0, colon), http1::trim(line.substr(colon + 1)));
    lines.remove_prefix(end + 2);
  }
}

const std::vector<nghttp2_nv>& FieldList::list() {
  list_.clear();
  auto* base = reinterpret_cast<std::uint8_t*>(text_.data());
  for (const Part& part : parts_) {
    list_.push_back(
        {base + part.at, base + part.at + part.name, part.name, part.value, NGHTTP2_NV_FLAG_NONE});
  }
  return list_;
}

bool is_connection_specific(Name name) {
  return name == Name::connection || name == Name::keep_alive || name == Name::proxy_connection ||
         name == Name::transfer_encoding || name == Name::upgrade || name == Name::te;
}

bool add_trailer(std::string& lines, std::string_view name, std::string_view value) {
  const Name known = http1::name_of(name);
  if (name.starts_with(':') || is_connection_specific(known) || known == Name::content_length ||
      known == Name::host || known == Name::trailer || known == Name::cookie ||
      known == Name::set_cookie || http1::equals_lower(name, "authorization")) {
    return true;
  }
  lines.append(name).append(": ").append(value).append("\r\n");
  return lines.size() <= http1::kHeaderLimit;
}

}  // namespace landfall::proxy
