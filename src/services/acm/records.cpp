#include "services/acm/records.h"

#include "base/bytes.h"

namespace landfall::acm {

std::string CertificateRecord::arn() const {
  return Arn{"aws", "acm", region, account, "certificate/" + id}.str();
}

std::string CertificateRecord::status_at(TimePoint now) const {
  return status == "ISSUED" && now >= not_after ? "EXPIRED" : status;
}

ValidationRecord validation_record(const CertificateRecord& record, std::string_view domain) {
  if (domain.starts_with("*.")) domain.remove_prefix(2);
  const std::string left = sha256_hex(fmt::format("name {} {}", record.validation_token, domain));
  const std::string right = sha256_hex(fmt::format("value {} {}", record.validation_token, domain));
  return {fmt::format("_{}.{}.", left.substr(0, 32), domain),
          fmt::format("_{}.acm-validations.landfall.test.", right.substr(0, 32))};
}

}  // namespace landfall::acm
