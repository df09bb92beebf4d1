// What Certificate Manager keeps: one record a certificate, the key sealed.
#pragma once

#include "base/ids.h"
#include "store/table.h"

namespace landfall::acm {

using Tags = std::map<std::string, std::string>;

struct CertificateRecord {
  std::string id;  // UUID
  std::string account;
  std::string region;
  std::string type;    // "AMAZON_ISSUED", "IMPORTED"
  std::string status;  // "PENDING_VALIDATION", "ISSUED"; "EXPIRED" is derived
  std::string domain;
  std::vector<std::string> names;  // alternative names, the domain first
  std::string validation_method;   // "DNS"; of issued ones
  std::string validation_token;    // what the validation records are made of
  std::string key_algorithm;
  std::string idempotency_token;
  bool exportable = false;
  bool transparency_logging = true;
  std::string certificate_pem;
  std::string chain_pem;
  std::string sealed_key;
  Tags tags;
  std::int64_t version = 0;  // of certificate and key
  TimePoint created_at{};
  std::optional<TimePoint> issued_at, imported_at, exported_at, renewed_at;
  // From the certificate.
  std::string serial;
  std::string subject;
  std::string issuer;
  std::string signature_algorithm;
  std::vector<std::string> key_usages, extended_key_usages;
  TimePoint not_before{}, not_after{};

  Scope scope() const { return {account, region}; }
  std::string arn() const;
  bool issued() const { return !certificate_pem.empty(); }
  std::string status_at(TimePoint now) const;
};
LF_RECORD(CertificateRecord, id, account, region, type, status, domain, names, validation_method,
          validation_token, key_algorithm, idempotency_token, exportable, transparency_logging,
          certificate_pem, chain_pem, sealed_key, tags, version, created_at, issued_at, imported_at,
          exported_at, renewed_at, serial, subject, issuer, signature_algorithm, key_usages,
          extended_key_usages, not_before, not_after)

inline constexpr std::string_view kRoot = "/acm/";

// The record in DNS that shows who owns a name. Equal for "x" and "*.x".
struct ValidationRecord {
  std::string name;  // with a final dot, as AWS writes it
  std::string value;
};
ValidationRecord validation_record(const CertificateRecord& record, std::string_view domain);

}  // namespace landfall::acm
