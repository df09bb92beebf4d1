// What a listener's attributes mean to the data plane.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html
#include "services/elbv2/attributes.h"
#include "services/elbv2/controller/snapshot.h"

namespace landfall::elbv2 {
namespace {

constexpr std::pair<std::string_view, std::string_view> kResponseHeaders[] = {
    {"strict_transport_security", "Strict-Transport-Security"},
    {"access_control_allow_origin", "Access-Control-Allow-Origin"},
    {"access_control_allow_methods", "Access-Control-Allow-Methods"},
    {"access_control_allow_headers", "Access-Control-Allow-Headers"},
    {"access_control_allow_credentials", "Access-Control-Allow-Credentials"},
    {"access_control_expose_headers", "Access-Control-Expose-Headers"},
    {"access_control_max_age", "Access-Control-Max-Age"},
    {"content_security_policy", "Content-Security-Policy"},
    {"x_content_type_options", "X-Content-Type-Options"},
    {"x_frame_options", "X-Frame-Options"},
};

}  // namespace

void read_listener_attributes(const ListenerRecord& record, proxy::Listener& out) {
  const AttributeOwner owner = attribute_owner(record);
  if (owner == AttributeOwner::tls_listener) return;
  if (owner == AttributeOwner::tcp_listener) {
    out.idle_timeout_seconds =
        attribute_number(owner, record.attributes, "tcp.idle_timeout.seconds");
    return;
  }
  out.server_header =
      attribute_flag(owner, record.attributes, "routing.http.response.server.enabled");
  for (const auto& [key, name] : kResponseHeaders) {
    std::string value = attribute(owner, record.attributes,
                                  fmt::format("routing.http.response.{}.header_value", key));
    if (!value.empty()) out.response_headers.push_back({std::string(name), std::move(value)});
  }
  if (owner != AttributeOwner::https_listener) return;
  const auto name = [&](std::string_view key) {
    return attribute(owner, record.attributes,
                     fmt::format("routing.http.request.x_amzn_{}.header_name", key));
  };
  proxy::RequestHeaderNames& names = out.request_header_names;
  names.tls_version = name("tls_version");
  names.tls_cipher_suite = name("tls_cipher_suite");
  names.certificate = name("mtls_clientcert");
  names.certificate_leaf = name("mtls_clientcert_leaf");
  names.certificate_serial_number = name("mtls_clientcert_serial_number");
  names.certificate_issuer = name("mtls_clientcert_issuer");
  names.certificate_subject = name("mtls_clientcert_subject");
  names.certificate_validity = name("mtls_clientcert_validity");
}

}  // namespace landfall::elbv2
