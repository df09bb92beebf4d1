#include "proxy/engine/header_edits.h"

#include "proxy/http1/scan.h"

namespace landfall::proxy {
namespace {

std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name) out += c == '_' ? '-' : http1::lower(c);
  return out;
}

}  // namespace

std::unique_ptr<const ResponseEdits> ResponseEdits::compile(const std::vector<Header>& headers) {
  if (headers.empty()) return nullptr;
  auto out = std::make_unique<ResponseEdits>();
  for (const Header& header : headers) {
    std::string name;
    for (const char c : header.name) name += http1::lower(c);
    out->names_.push_back(std::move(name));
    out->lines_.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  return out;
}

bool ResponseEdits::replaces(std::string_view name) const {
  for (const std::string& own : names_) {
    if (http1::equals_lower(name, own)) return true;
  }
  return false;
}

std::unique_ptr<const ReservedHeaders> ReservedHeaders::compile(const LoadBalancer& balancer,
                                                                const Listener& listener) {
  const RequestHeaderNames& names = listener.request_header_names;
  auto out = std::make_unique<ReservedHeaders>();
  if (balancer.tls_version_and_cipher_headers && listener.protocol == Protocol::https) {
    out->names_.push_back(folded(names.tls_version));
    out->names_.push_back(folded(names.tls_cipher_suite));
  }
  if (listener.mutual_tls.mode != ClientCertificates::off) {
    for (const std::string* name :
         {&names.certificate, &names.certificate_leaf, &names.certificate_serial_number,
          &names.certificate_issuer, &names.certificate_subject, &names.certificate_validity}) {
      out->names_.push_back(folded(*name));
    }
  }
  if (out->names_.empty()) return nullptr;
  return out;
}

bool ReservedHeaders::contains(std::string_view name) const {
  for (const std::string& own : names_) {
    if (own.size() != name.size()) continue;
    std::size_t same = 0;
    while (same < name.size() &&
           own[same] == (name[same] == '_' ? '-' : http1::lower(name[same]))) {
      ++same;
    }
    if (same == name.size()) return true;
  }
  return false;
}

}  // namespace landfall::proxy
