// Certificate Manager: certificates of Landfall's own authority, and imported ones.
#pragma once

#include "base/random.h"
#include "host/authority/authority.h"
#include "services/acm/port.h"
#include "services/acm/records.h"
#include "store/sealed.h"

namespace landfall::acm {

struct Acm {
  io::Loop& loop;
  store::Store& store;
  const Clock& clock;
  Random& random;
  const store::Sealer& sealer;
  const host::Authority& authority;
  // ARNs of what uses a certificate; set by those who use them.
  std::function<std::vector<std::string>(const Scope&, const std::string& arn)> users = {};
  // Does a hosted zone of this account hold the record? None: no zone there is for the name.
  std::function<std::optional<bool>(const std::string& account, const std::string& name,
                                    const std::string& target)>
      cname_exists = {};

  store::Table<CertificateRecord> certificates(const Scope& scope) const;
  std::vector<std::string> used_by(const CertificateRecord& record) const;
  std::string key_context(const CertificateRecord& record) const { return "acm/key/" + record.id; }
};

// A record by ARN. Errors: InvalidArnException, ResourceNotFoundException.
Result<store::Row<CertificateRecord>> find(const Acm& acm, const Scope& scope,
                                           const std::string& arn);

// Lets the authority issue a certificate with a new key, and fills in the record. Errors: those of
// the authority.
task<Result<void>> issue(Acm& acm, CertificateRecord& record);
// Facts of record.certificate_pem.
Result<void> read_facts(CertificateRecord& record);

class CertificatePort final : public Port {
 public:
  explicit CertificatePort(Acm& acm) : acm_(acm) {}
  std::optional<CertificateInfo> find_certificate(const Scope& scope,
                                                  std::string_view arn) override;
  Result<http::CertificatePem> certificate_pem(const Scope& scope, std::string_view arn) override;

 private:
  Acm& acm_;
};

}  // namespace landfall::acm
