#include "services/acm/shapes.h"

#include <set>

#include "wire/acm/errors.h"

namespace landfall::acm {
namespace {

constexpr std::pair<std::string_view, std::string_view> kExtendedUsages[] = {
    {"1.3.6.1.5.5.7.3.1", "TLS_WEB_SERVER_AUTHENTICATION"},
    {"1.3.6.1.5.5.7.3.2", "TLS_WEB_CLIENT_AUTHENTICATION"},
    {"1.3.6.1.5.5.7.3.3", "CODE_SIGNING"},
    {"1.3.6.1.5.5.7.3.4", "EMAIL_PROTECTION"},
    {"1.3.6.1.5.5.7.3.8", "TIME_STAMPING"},
    {"1.3.6.1.5.5.7.3.9", "OCSP_SIGNING"},
    {"2.5.29.37.0", "ANY"}};

std::string extended_usage_name(std::string_view oid) {
  for (const auto& [known, name] : kExtendedUsages)
    if (known == oid) return std::string(name);
  return "CUSTOM";
}

wire::List<DomainValidation> validations(const CertificateRecord& record) {
  wire::List<DomainValidation> out;
  for (const std::string& name : record.names) {
    DomainValidation& item = out.emplace_back();
    item.domain_name = name;
    item.validation_domain = name;
    item.validation_method = record.validation_method;
    item.validation_status = record.issued() ? "SUCCESS" : "PENDING_VALIDATION";
    const ValidationRecord wanted = validation_record(record, name);
    ResourceRecord& resource = item.resource_record.emplace();
    resource.name = wanted.name;
    resource.type = "CNAME";
    resource.value = wanted.value;
  }
  return out;
}

CertificateOptions options_of(const CertificateRecord& record) {
  CertificateOptions out;
  out.certificate_transparency_logging_preference =
      record.transparency_logging ? "ENABLED" : "DISABLED";
  out.export_ = record.exportable ? "ENABLED" : "DISABLED";
  return out;
}

std::string eligibility(const Acm& acm, const CertificateRecord& record) {
  const bool eligible = record.type == "AMAZON_ISSUED" && record.issued() &&
                        (record.exported_at || !acm.used_by(record).empty());
  return eligible ? "ELIGIBLE" : "INELIGIBLE";
}

}  // namespace

CertificateDetail to_detail(const Acm& acm, const CertificateRecord& record) {
  CertificateDetail out;
  out.certificate_arn = record.arn();
  out.domain_name = record.domain;
  for (const std::string& name : record.names) out.subject_alternative_names.push_back(name);
  out.created_at = record.created_at;
  out.status = record.status_at(acm.clock.now());
  out.key_algorithm = record.key_algorithm;
  out.type = record.type;
  out.in_use_by.present = true;
  for (const std::string& user : acm.used_by(record)) out.in_use_by.push_back(user);
  out.renewal_eligibility = eligibility(acm, record);
  out.options = options_of(record);
  if (record.type == "AMAZON_ISSUED") out.domain_validation_options = validations(record);
  if (!record.issued()) return out;
  out.serial = record.serial;
  out.subject = record.subject;
  out.issuer = record.issuer;
  out.issued_at = record.issued_at;
  out.imported_at = record.imported_at;
  out.not_before = record.not_before;
  out.not_after = record.not_after;
  out.signature_algorithm = record.signature_algorithm;
  for (const std::string& usage : record.key_usages) out.key_usages.emplace_back().name = usage;
  for (const std::string& oid : record.extended_key_usages) {
    ExtendedKeyUsage& usage = out.extended_key_usages.emplace_back();
    usage.name = extended_usage_name(oid);
    usage.oid = oid;
  }
  if (record.renewed_at) {
    RenewalSummary& renewal = out.renewal_summary.emplace();
    renewal.renewal_status = "SUCCESS";
    renewal.domain_validation_options = validations(record);
    renewal.updated_at = *record.renewed_at;
  }
  return out;
}

CertificateSummary to_summary(const Acm& acm, const CertificateRecord& record) {
  CertificateSummary out;
  out.certificate_arn = record.arn();
  out.domain_name = record.domain;
  for (const std::string& name : record.names)
    out.subject_alternative_name_summaries.push_back(name);
  out.has_additional_subject_alternative_names = false;
  out.status = record.status_at(acm.clock.now());
  out.type = record.type;
  out.key_algorithm = record.key_algorithm;
  for (const std::string& usage : record.key_usages) out.key_usages.push_back(usage);
  for (const std::string& oid : record.extended_key_usages)
    out.extended_key_usages.push_back(extended_usage_name(oid));
  out.export_option = record.exportable ? "ENABLED" : "DISABLED";
  out.in_use = !acm.used_by(record).empty();
  out.exported = record.exported_at.has_value();
  out.renewal_eligibility = eligibility(acm, record);
  out.created_at = record.created_at;
  if (!record.issued()) return out;
  out.not_before = record.not_before;
  out.not_after = record.not_after;
  out.issued_at = record.issued_at;
  out.imported_at = record.imported_at;
  return out;
}

Result<void> add_tags(Tags& tags, const wire::List<Tag>& added) {
  for (const Tag& tag : added) {
    if (tag.key.starts_with("aws:"))
      return errors::invalid_tag("Tag keys that begin with 'aws:' are reserved");
    tags[tag.key] = tag.value.value_or("");
  }
  if (tags.size() > 50) return errors::too_many_tags("A certificate can have at most 50 tags");
  return {};
}

}  // namespace landfall::acm
