// What ECR needs to work.
#pragma once

#include <string>

#include "base/clock.h"
#include "host/images/blob_store.h"
#include "io/loop.h"
#include "services/iam/port.h"
#include "store/store.h"
#include "wire/ecr/errors.h"
#include "wire/ecr/operations.h"

namespace landfall::ecr {

// Makes the clients on this machine find and trust a registry's host. See client_setup.h.
class ClientSetup {
 public:
  virtual ~ClientSetup() = default;
  // host: without port. Failures are logged: the API call that led here is done all the same.
  virtual task<void> introduce(std::string host, std::uint16_t port) = 0;
};

struct Settings {
  std::string domain = "landfall.test";
  std::uint16_t port = 4566;                 // where the API listens; part of every repository URI
  std::string default_region = "us-east-1";  // for hosts that do not say: 127.0.0.1:4566/NAME
};

struct Ecr {
  io::Loop& loop;
  store::Store& store;
  host::BlobStore& blobs;
  const Clock& clock;
  iam::Port& iam;
  ClientSetup& clients;
  Settings settings;
};

// "123456789012.dkr.ecr.us-west-1.landfall.test:4566"
std::string registry_address(const Ecr& ecr, const Scope& scope);

}  // namespace landfall::ecr
