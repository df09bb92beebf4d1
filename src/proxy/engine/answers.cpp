// What the load balancer says itself: error pages in AWS's words, and redirects.
#include "proxy/engine/exchange.h"
#include "proxy/engine/rewrite.h"
#include "proxy/http1/scan.h"

namespace landfall::proxy {
namespace {

constexpr std::size_t kLocationLimit = 8 << 10;

#define LF_PAGE(status)                                                               \
  "<html>\r\n<head><title>" status "</title></head>\r\n<body>\r\n<center><h1>" status \
  "</h1></center>\r\n</body>\r\n</html>\r\n"

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Time-out";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Request Entity Too Large";
    case 414:
      return "Request-URI Too Large";
    case 418:
      return "I'm a teapot";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 463:
      return "Too Many X-Forwarded-For Addresses";
    case 464:
      return "Incompatible Protocol Versions";
    case 561:
      return "Unauthorized";
    case 562:
      return "JWKS Request Failed";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Temporarily Unavailable";
    case 504:
      return "Gateway Time-out";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

std::string_view error_page(int status) {
  switch (status) {
    case 400:
      return LF_PAGE("400 Bad Request");
    case 401:
      return LF_PAGE("401 Authorization Required");
    case 405:
      return LF_PAGE("405 Method Not Allowed");
    case 408:
      return LF_PAGE("408 Request Time-out");
    case 414:
      return LF_PAGE("414 Request-URI Too Large");
    case 463:
      return LF_PAGE("463");
    case 464:
      return LF_PAGE("464");
    case 500:
      return LF_PAGE("500 Internal Server Error");
    case 501:
      return LF_PAGE("501 Not Implemented");
    case 502:
      return LF_PAGE("502 Bad Gateway");
    case 503:
      return LF_PAGE("503 Service Temporarily Unavailable");
    case 504:
      return LF_PAGE("504 Gateway Time-out");
    case 505:
      return LF_PAGE("505 HTTP Version Not Supported");
    case 561:
      return LF_PAGE("561");
    case 562:
      return LF_PAGE("562");
    default:
      return {};
  }
}

namespace {

struct RedirectParts {
  std::string_view protocol, host, port, path, query;
};

void expand(std::string_view form, const RedirectParts& parts, Writer& out) {
  while (!form.empty()) {
    const std::size_t mark = form.find("#{");
    out << form.substr(0, mark);
    if (mark == std::string_view::npos) return;
    form.remove_prefix(mark);
    const auto take = [&](std::string_view name, std::string_view value) {
      if (!form.starts_with(name)) return false;
      out << value;
      form.remove_prefix(name.size());
      return true;
    };
    if (take("#{protocol}", parts.protocol) || take("#{host}", parts.host) ||
        take("#{port}", parts.port) || take("#{path}", parts.path) ||
        take("#{query}", parts.query)) {
      continue;
    }
    out << form.substr(0, 2);
    form.remove_prefix(2);
  }
}

}  // namespace

// docs: load-balancer-listeners, redirect actions
void Exchange::redirect(const ClientFacts& client, const http1::RequestHead& head) {
  const Action& spec = rule->action.spec;
  Counters& counters = *balancer_counts;
  std::string protocol = spec.protocol;  // "HTTPS" in the API, "https" in a URL
  for (char& c : protocol) c = http1::lower(c);
  char port[8];
  Writer port_text(port, sizeof port);
  port_text.number(client.listener_port);
  std::string_view path = head.path;
  if (path.starts_with('/')) path.remove_prefix(1);  // #{path} has no leading slash
  const RedirectParts parts{client.secure ? "https" : "http", host_without_port(head.authority),
                            port_text.text(), path, head.query};
  // The front writes its head into the first half.
  char* buffer = worker.scratch() + Worker::kScratchSize / 2;
  Writer out(buffer, Worker::kScratchSize / 2);
  for (const std::string_view form :
       {std::string_view(protocol), std::string_view("://"), std::string_view(spec.host),
        std::string_view(":"), std::string_view(spec.port), std::string_view(spec.path)}) {
    expand(form, parts, out);
  }
  Writer query(buffer + out.text().size(), Worker::kScratchSize / 4);
  query << "?";
  expand(spec.query, parts, query);
  // An empty query leaves no question mark behind, unless the client sent one.
  const std::size_t query_size =
      query.text().size() > 1 || head.has_query ? query.text().size() : 0;
  const std::string_view location(buffer, out.text().size() + query_size);
  if (location.size() > kLocationLimit) {
    counters.add(Count::redirect_url_limit_exceeded);
    fail(500, Cause::malformed_request);
    return;
  }
  counters.add(Count::redirects);
  if (record) record->redirect_url = location;
  status = spec.status;
  answer_begun = true;
  const std::string_view page =
      spec.status == 301 ? LF_PAGE("301 Moved Permanently") : LF_PAGE("302 Found");
  front->answer(*this, {.status = spec.status,
                        .content_type = "text/html",
                        .body = page,
                        .location = location,
                        .cookies = cookies});
}

}  // namespace landfall::proxy
