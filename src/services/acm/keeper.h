// Issues certificates whose names are shown to be the caller's, and renews those that end soon.
//
// A name belongs to the caller when a hosted zone of the account holds the validation record. Where
// no hosted zone of the account is for the name, nobody could be asked: the certificate is issued
// at once, for the clients that trust this installation's own authority and nobody else.
#pragma once

#include "reconcile/controller.h"
#include "services/acm/service.h"

namespace landfall::acm {

class Keeper {
 public:
  explicit Keeper(Acm& acm);
  void start() { controller_.start(); }
  task<void> stop() { return controller_.stop(); }

 private:
  task<Result<reconcile::Requeue>> reconcile(std::string key);

  Acm& acm_;
  reconcile::Controller controller_;
};

// The names that wait for their validation record; empty: it can be issued. Pure but for the
// look-up.
std::vector<std::string> unvalidated(const CertificateRecord& record, const Acm& acm);
// Managed renewal begins 60 days before the end.
bool renewal_due(const CertificateRecord& record, TimePoint now);

}  // namespace landfall::acm
