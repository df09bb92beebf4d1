#include "proxy/auth/gate.h"

namespace landfall::proxy {

Spans Admission::framed(Spans body, bool plain, bool end) {
  if (!bare || plain) return body;
  std::size_t size = 0;
  for (const std::string_view part : body) size += part.size();
  parts_.clear();
  if (size > 0) {
    size_ = fmt::format("{:x}\r\n", size);
    parts_.push_back(size_);
    parts_.insert(parts_.end(), body.begin(), body.end());
    parts_.push_back("\r\n");
  }
  if (end) parts_.push_back("0\r\n\r\n");
  return parts_;
}

void refuse(Exchange& exchange, int status, std::string_view reason) {
  exchange.admission->refused = true;
  exchange.admission->reason = reason;
  exchange.fail(status, Cause::not_admitted);
}

void send_away(Exchange& exchange, std::string location, std::string cookie_lines) {
  static constexpr std::string_view kPage =
      "<html>\r\n<head><title>302 Found</title></head>\r\n<body>\r\n<center><h1>302 Found</h1>"
      "</center>\r\n</body>\r\n</html>\r\n";
  exchange.admission->refused = true;
  exchange.admission->location = location;
  exchange.status = 302;
  exchange.answer_begun = true;
  exchange.front->answer(exchange, {.status = 302,
                                    .content_type = "text/html",
                                    .body = kPage,
                                    .location = location,
                                    .cookies = cookie_lines});
}

}  // namespace landfall::proxy
