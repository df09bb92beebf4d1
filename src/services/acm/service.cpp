#include "services/acm/service.h"

#include "base/check.h"
#include "host/authority/x509.h"
#include "wire/acm/errors.h"

namespace landfall::acm {
namespace {

// As long as AWS's own certificates of 2026 live, so that renewal is part of everyday life.
constexpr std::chrono::days kValid(198);

}  // namespace

store::Table<CertificateRecord> Acm::certificates(const Scope& scope) const {
  return {store, fmt::format("{}{}/{}/certificates/", kRoot, scope.account, scope.region)};
}

std::vector<std::string> Acm::used_by(const CertificateRecord& record) const {
  return users ? users(record.scope(), record.arn()) : std::vector<std::string>();
}

Result<store::Row<CertificateRecord>> find(const Acm& acm, const Scope& scope,
                                           const std::string& arn) {
  const auto parsed = Arn::parse(arn);
  constexpr std::string_view kPrefix = "certificate/";
  if (!parsed || parsed->service != "acm" || !parsed->resource.starts_with(kPrefix))
    return errors::invalid_arn(fmt::format("Invalid ARN: {}", arn));
  if (parsed->account == scope.account && parsed->region == scope.region) {
    auto row = acm.certificates(scope).get(parsed->resource.substr(kPrefix.size()));
    if (row) return std::move(*row);
  }
  return errors::resource_not_found(fmt::format("Could not find certificate {}.", arn));
}

Result<void> read_facts(CertificateRecord& record) {
  LF_TRY(facts, host::certificate_facts(record.certificate_pem));
  record.serial = facts.serial;
  record.subject = facts.subject;
  record.issuer = facts.issuer;
  record.key_algorithm = facts.key_algorithm;
  record.signature_algorithm = facts.signature_algorithm;
  record.key_usages = facts.key_usages;
  record.extended_key_usages = facts.extended_key_usages;
  record.not_before = facts.not_before;
  record.not_after = facts.not_after;
  if (record.domain.empty()) {
    record.domain = !facts.common_name.empty() ? facts.common_name
                    : facts.names.empty()      ? ""
                                               : facts.names.front();
    record.names = facts.names;
  }
  return {};
}

task<Result<void>> issue(Acm& acm, CertificateRecord& record) {
  const host::Authority& authority = acm.authority;
  auto issued = co_await acm.loop.run_blocking(
      [&authority, names = record.names, key = record.key_algorithm] {
        return authority.issue(names, {.key = key, .valid = kValid});
      });
  if (!issued) co_return std::unexpected(issued.error());
  const std::string asked_for = record.key_algorithm;
  auto blocks = host::certificate_blocks(issued->certificate);
  CHECK(!blocks.empty());
  record.certificate_pem = std::move(blocks.front());
  record.chain_pem.clear();
  for (std::size_t i = 1; i < blocks.size(); ++i) record.chain_pem += blocks[i];
  record.sealed_key = acm.sealer.seal(issued->key, acm.key_context(record));
  LF_CO_OK(read_facts(record));
  record.key_algorithm = asked_for;
  record.status = "ISSUED";
  ++record.version;
  if (record.issued_at)
    record.renewed_at = acm.clock.now();
  else
    record.issued_at = acm.clock.now();
  co_return Result<void>();
}

std::optional<CertificateInfo> CertificatePort::find_certificate(const Scope& scope,
                                                                 std::string_view arn) {
  const auto row = find(acm_, scope, std::string(arn));
  if (!row) return {};
  const CertificateRecord& record = row->value;
  return CertificateInfo{
      record.arn(),         record.domain,    record.names,  record.status_at(acm_.clock.now()),
      record.key_algorithm, record.not_after, record.version};
}

Result<http::CertificatePem> CertificatePort::certificate_pem(const Scope& scope,
                                                              std::string_view arn) {
  const auto row = find(acm_, scope, std::string(arn));
  if (!row) return fail("not-found", row.error().message, 404);
  if (!row->value.issued()) return fail("not-issued", "the certificate is not issued yet");
  LF_TRY(key, acm_.sealer.unseal(row->value.sealed_key, acm_.key_context(row->value)));
  return http::CertificatePem{row->value.certificate_pem + row->value.chain_pem, std::move(key)};
}

}  // namespace landfall::acm
