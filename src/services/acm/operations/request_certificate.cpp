// https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
#include "services/acm/shapes.h"
#include "wire/acm/errors.h"
#include "wire/acm/operations.h"

namespace landfall::acm {
namespace {

constexpr std::size_t kMostNames = 10;  // AWS's default quota

// A name in DNS, "*." at most in front.
bool is_domain(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253 || name.find('.') == name.npos) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    if (!std::ranges::all_of(label, [](unsigned char c) { return std::isalnum(c) || c == '-'; }))
      return false;
    if (dot == name.npos) return true;
    name.remove_prefix(dot + 1);
  }
}

Result<std::vector<std::string>> read_names(const RequestCertificateRequest& in) {
  std::vector<std::string> out;
  std::vector<std::string> asked = {in.domain_name};
  asked.insert(asked.end(), in.subject_alternative_names.begin(),
               in.subject_alternative_names.end());
  for (std::string& name : asked) {
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    if (!is_domain(name)) {
      return errors::invalid_domain_validation_options(
          fmt::format("'{}' is not a valid domain name", name));
    }
    if (std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
  }
  if (out.size() > kMostNames) {
    return errors::limit_exceeded(
        fmt::format("A certificate can have at most {} names", kMostNames));
  }
  return out;
}

Result<void> check_supported(const RequestCertificateRequest& in) {
  const std::string method = in.validation_method.value_or("EMAIL");
  if (method != "DNS") {
    return errors::invalid_parameter(
        "Landfall sends no mail and asks no web server: the validation method must be DNS");
  }
  if (in.certificate_authority_arn)
    return errors::invalid_parameter("Landfall has no private certificate authorities");
  if (in.managed_by) return errors::invalid_parameter("ManagedBy is not supported by Landfall");
  if (!in.domain_validation_options.empty())
    return errors::invalid_parameter("DomainValidationOptions are for validation by mail");
  if (!host::is_key_algorithm(in.key_algorithm.value_or("RSA_2048"))) {
    return errors::invalid_parameter(
        fmt::format("Landfall issues no certificates with keys of algorithm {}",
                    in.key_algorithm.value_or("")));
  }
  return {};
}

}  // namespace

// The certificate is issued by the keeper, once its names are shown to be the caller's.
task<Result<RequestCertificateResponse>> request_certificate(Acm& acm, const RequestContext& ctx,
                                                             RequestCertificateRequest in) {
  LF_CO_OK(check_supported(in));
  LF_CO_TRY(names, read_names(in));
  const auto table = acm.certificates(ctx.scope);
  RequestCertificateResponse out;
  if (in.idempotency_token) {
    for (const auto& row : table.list()) {
      // AWS remembers a token for an hour.
      if (row.value.idempotency_token == *in.idempotency_token && row.value.names == names &&
          ctx.now - row.value.created_at < std::chrono::hours(1)) {
        out.certificate_arn = row.value.arn();
        co_return out;
      }
    }
  }
  CertificateRecord record;
  record.id = acm.random.uuid();
  record.account = ctx.scope.account;
  record.region = ctx.scope.region;
  record.type = "AMAZON_ISSUED";
  record.status = "PENDING_VALIDATION";
  record.names = std::move(names);
  record.domain = record.names.front();
  record.validation_method = "DNS";
  record.validation_token = acm.random.hex(32);
  record.key_algorithm = in.key_algorithm.value_or("RSA_2048");
  record.idempotency_token = in.idempotency_token.value_or("");
  if (in.options) {
    record.exportable = in.options->export_.value_or("DISABLED") == "ENABLED";
    record.transparency_logging =
        in.options->certificate_transparency_logging_preference.value_or("ENABLED") == "ENABLED";
  }
  record.created_at = ctx.now;
  LF_CO_OK(add_tags(record.tags, in.tags));
  LF_CO_TRY(done,
            co_await acm.store.commit({{table.absent(record.id)}, {table.put(record.id, record)}}));
  if (!done.succeeded) co_return fail("InternalFailure", "an identifier came twice", 500);
  out.certificate_arn = record.arn();
  co_return out;
}

}  // namespace landfall::acm
