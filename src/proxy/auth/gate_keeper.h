// Makes gates, and keeps what they share from one configuration to the next.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "proxy/config.h"

namespace landfall::http {
class TlsContext;
}

namespace landfall::proxy {

class Gate;
class KeySource;
class OidcGate;
class OutsideCalls;
class Renewals;
struct GateCalls;
struct GateKeys;

class GateKeeper {
 public:
  GateKeeper();
  ~GateKeeper();

  // For the gates that are made from here on. `cookie_key`: base64. Error "snapshot-invalid".
  Result<void> use(const std::string& cookie_key, const std::string& identity_key,
                   const std::string& trust_file);
  std::shared_ptr<const OidcGate> oidc(const std::string& balancer, const OidcSettings& settings);
  std::shared_ptr<const Gate> jwt(const std::string& balancer, const JwtSettings& settings);
  // Forgets the keys of providers that no gate asks for any more.
  void forget_unused();
  void stop();

 private:
  GateCalls calls();

  std::shared_ptr<OutsideCalls> outside_;
  std::shared_ptr<Renewals> renewals_;
  // The authorities, as they were in the file when it was last changed.
  std::string trust_file_;
  std::filesystem::file_time_type trust_time_;
  std::shared_ptr<const http::TlsContext> trust_;
  std::shared_ptr<const GateKeys> keys_;
  std::string used_;                                           // what keys_ were made of
  std::string own_identity_;                                   // when the snapshot has none
  std::map<std::string, std::shared_ptr<KeySource>> sources_;  // by balancer and address
};

}  // namespace landfall::proxy
