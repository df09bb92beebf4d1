// STS: who am I, and credentials for a while. It keeps nothing of its own; sessions are IAM's
// (services/iam/session.h).
#pragma once

#include "services/iam/port.h"
#include "services/iam/session.h"
#include "services/sts/issuer_keys.h"

namespace landfall::sts {

struct Sts {
  iam::Iam& iam;
  iam::Port& access;
  IssuerKeys& issuers;
};

}  // namespace landfall::sts
