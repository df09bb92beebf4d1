#include "proxy/engine/rewrite.h"

#include <charconv>

#include "proxy/engine/client_certificate.h"
#include "proxy/http1/scan.h"
#include "proxy/rules/condition.h"

namespace landfall::proxy {
namespace {

using http1::Field;
using http1::Name;

constexpr std::size_t kTraceLimit = 7 << 10;
constexpr int kForwardedAddressLimit = 30;

// Named in Connection: meant for the next hop only (RFC 9110, 7.6.1). Those that decide who
// somebody is cannot be removed that way.
bool is_nominated(const http1::RequestHead& head, const Field& field) {
  if (field.known != Name::other && field.known != Name::te) return false;
  if (http1::equals_lower(field.name, "authorization")) return false;
  bool found = false;
  for (const Field& connection : head.fields) {
    if (connection.known != Name::connection) continue;
    http1::for_each_member(connection.value, [&](std::string_view member) {
      if (member.size() != field.name.size()) return;
      bool same = true;
      for (std::size_t i = 0; i < member.size(); ++i)
        same = same && http1::lower(member[i]) == http1::lower(field.name[i]);
      found = found || same;
    });
  }
  return found;
}

// Copies the lines that go on unchanged, in runs.
class Runs {
 public:
  explicit Runs(Writer& out) : out_(out) {}
  void keep(std::string_view line) {
    if (run_.data() + run_.size() == line.data()) {
      run_ = {run_.data(), run_.size() + line.size()};
    } else {
      flush();
      run_ = line;
    }
  }
  void flush() {
    out_ << run_;
    run_ = {};
  }

 private:
  Writer& out_;
  std::string_view run_;
};

int count_addresses(std::string_view list) {
  int count = 0;
  http1::for_each_member(list, [&](std::string_view) { ++count; });
  return count;
}

void write_peer(const RequestContext& context, Writer& out) {
  char address[46];
  const std::string_view text(address, context.peer.format(address));
  if (!context.balancer.forwarded_for_client_port) {
    out << text;
    return;
  }
  const bool v6 = !context.peer.is_v4();
  out << (v6 ? "[" : "") << text << (v6 ? "]:" : ":");
  out.number(context.peer.port);
}

// X-Forwarded-For; false when there are too many addresses in it.
bool write_forwarded_for(const http1::RequestHead& head, const RequestContext& context,
                         Writer& out) {
  const ForwardedForMode mode = context.balancer.forwarded_for;
  if (mode == ForwardedForMode::remove) return true;
  int addresses = 0;
  bool begun = false;
  for (const Field& field : head.fields) {
    if (field.known != Name::x_forwarded_for || field.dropped) continue;
    out << (begun ? ", " : "X-Forwarded-For: ") << field.value;
    begun = true;
    addresses += count_addresses(field.value);
  }
  if (mode == ForwardedForMode::append) {
    out << (begun ? ", " : "X-Forwarded-For: ");
    write_peer(context, out);
    begun = true;
  }
  if (begun) out << "\r\n";
  return addresses <= kForwardedAddressLimit;
}

// Root=1-<time>-<96 random bits>
void write_root(const RequestContext& context, std::string_view name, Writer& out) {
  out << name << "1-";
  out.hex(static_cast<std::uint64_t>(context.unix_seconds), 8);
  out << "-";
  out.hex(context.trace_random[0] >> 32, 8);
  out.hex(context.trace_random[1], 16);
}

std::string_view write_trace(const http1::RequestHead& head, const RequestContext& context,
                             Writer& out) {
  const Field* sent = head.find(Name::x_amzn_trace_id);
  out << "X-Amzn-Trace-Id: ";
  const std::size_t begin = out.text().size();
  bool has_root = false;
  if (sent != nullptr && sent->value.size() <= kTraceLimit) {
    std::string_view rest = sent->value;
    // A Root stays, a Self is replaced by ours, everything else is kept.
    has_root = rest.starts_with("Root=") || rest.find(";Root=") != std::string_view::npos;
    if (has_root)
      write_root(context, "Self=", out);
    else
      write_root(context, "Root=", out);
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view part = http1::trim(rest.substr(0, end));
      if (!part.empty() && !part.starts_with("Self=")) out << ";" << part;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  } else {
    write_root(context, "Root=", out);
  }
  const std::string_view id = out.text().substr(begin);
  out << "\r\n";
  return id;
}

// docs: mutual-authentication, HTTP headers
void write_certificate(const ClientCertificate& shown, const RequestHeaderNames& names,
                       Writer& out) {
  const auto write = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) out << name << ": " << value << "\r\n";
  };
  if (!shown.chain.empty()) return write(names.certificate, shown.chain);
  write(names.certificate_serial_number, shown.serial_number);
  write(names.certificate_issuer, shown.issuer);
  write(names.certificate_subject, shown.subject);
  write(names.certificate_validity, shown.validity);
  write(names.certificate_leaf, shown.leaf);
}

}  // namespace

Writer& Writer::number(std::uint64_t value) {
  char digits[20];
  const char* end = std::to_chars(digits, digits + 20, value).ptr;
  return *this << std::string_view(digits, end);
}

Writer& Writer::hex(std::uint64_t value, int digits) {
  static constexpr char kDigits[] = "0123456789abcdef";
  char text[16];
  for (int i = digits - 1; i >= 0; --i) {
    text[i] = kDigits[value & 15];
    value >>= 4;
  }
  return *this << std::string_view(text, static_cast<std::size_t>(digits));
}

std::string_view target_host(std::string_view authority, std::uint16_t listener_port, char* out,
                             std::size_t size) {
  Writer writer(out, size);
  writer << host_without_port(authority);
  if (listener_port != 80 && listener_port != 443) {
    writer << ":";
    writer.number(listener_port);
  }
  return writer.text();
}

RewrittenRequest rewrite_request(const http1::RequestHead& head, const RequestContext& context,
                                 Writer& out) {
  RewrittenRequest done;
  out << head.method << " ";
  if (!context.url.empty()) {
    out << context.url;
  } else if (head.absolute) {
    if (!head.path.starts_with('/')) out << "/";
    out << head.path;
    if (head.has_query) out << "?" << head.query;
  } else {
    out << head.target;
  }
  out << " HTTP/1.1\r\nHost: ";
  const std::string_view authority = context.host.empty() ? head.authority : context.host;
  if (context.host.contains(':')) {
    out << context.host;
  } else if (context.balancer.preserve_host_header && !head.absolute) {
    out << authority;
    if (!context.host.empty())
      out << head.authority.substr(host_without_port(head.authority).size());
  } else {
    char host[1024];
    if (authority.size() > sizeof host - 8) {
      done.status = 400;
      return done;
    }
    out << target_host(authority, context.listener_port, host, sizeof host);
  }
  out << "\r\n";

  Runs runs(out);
  for (const Field& field : head.fields) {
    if (field.dropped) continue;
    switch (field.known) {
      case Name::host:
      case Name::connection:
      case Name::keep_alive:
      case Name::proxy_connection:
      case Name::http2_settings:
      case Name::x_forwarded_for:
      case Name::x_forwarded_port:
      case Name::x_forwarded_proto:
      case Name::x_amzn_trace_id:
        continue;
      case Name::upgrade:
        if (!context.upgrade) continue;
        break;
      case Name::te:
        if (!context.http2) continue;
        break;
      default:
        break;
    }
    if (!field.plain_name) {
      if (context.balancer.drop_invalid_header_fields) {
        done.dropped_invalid = true;
        continue;
      }
      done.forwarded_invalid = true;
    }
    if (context.reserved != nullptr && field.known == Name::other &&
        context.reserved->contains(field.name)) {
      continue;
    }
    if (head.names_hops && is_nominated(head, field)) continue;
    runs.keep(field.line);
  }
  runs.flush();

  if (context.upgrade) out << "Connection: Upgrade\r\n";
  if (context.target_closes) out << "Connection: close\r\n";
  if (!write_forwarded_for(head, context, out)) {
    done.status = 463;
    return done;
  }
  out << (context.secure ? "X-Forwarded-Proto: https\r\nX-Forwarded-Port: "
                         : "X-Forwarded-Proto: http\r\nX-Forwarded-Port: ");
  out.number(context.listener_port);
  out << "\r\n";
  done.trace_id = write_trace(head, context, out);
  if (context.balancer.tls_version_and_cipher_headers && context.secure) {
    out << context.names.tls_version << ": " << context.tls_version << "\r\n"
        << context.names.tls_cipher_suite << ": " << context.tls_cipher << "\r\n";
  }
  out << context.more_fields;
  if (context.certificate != nullptr) write_certificate(*context.certificate, context.names, out);
  out << "\r\n";
  done.head = out.text();
  if (out.overflow()) done.status = 400;
  return done;
}

void rewrite_response(const http1::ResponseHead& head, const ResponseContext& context,
                      Writer& out) {
  if (head.minor_version == 1) {
    out << head.status_line;
  } else {
    out << "HTTP/1.1" << head.status_line.substr(8);
  }
  Runs runs(out);
  for (const Field& field : head.fields) {
    if (field.dropped) continue;
    if (context.edits != nullptr && context.edits->replaces(field.name)) continue;
    switch (field.known) {
      case Name::connection:
      case Name::keep_alive:
      case Name::proxy_connection:
        continue;
      case Name::upgrade:
        if (!context.upgrade) continue;
        break;
      case Name::transfer_encoding:
      case Name::trailer:
        if (context.drop_chunked) continue;
        break;
      default:
        break;
    }
    runs.keep(field.line);
  }
  runs.flush();
  out << context.cookies;
  if (context.edits != nullptr) out << context.edits->lines();
  if (context.upgrade) {
    out << "Connection: Upgrade\r\n";
  } else if (context.close) {
    out << "Connection: close\r\n";
  } else if (context.keep_alive_10) {
    out << "Connection: keep-alive\r\n";
  }
  out << "\r\n";
}

}  // namespace landfall::proxy
