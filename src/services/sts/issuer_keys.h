// The public keys of OpenID Connect issuers, fetched over HTTPS from where the issuer says they are
// and remembered for a while.
// https://openid.net/specs/openid-connect-discovery-1_0.html
#pragma once

#include <functional>
#include <map>

#include "base/jwt.h"
#include "http/client.h"

namespace landfall::sts {

class IssuerKeys {
 public:
  // GET of a URL. Errors: as http::request.
  using Fetch = std::function<task<Result<http::Response>>(std::string url)>;
  IssuerKeys(const Clock& clock, Fetch fetch) : clock_(clock), fetch_(std::move(fetch)) {}

  // Is the token signed by the issuer ("https://...")? Its times are not looked at. Keys that are
  // not known are looked for again, not more than once in half a minute. Errors: "issuer-failed"
  // (it did not give its keys), and those of jwt::KeySet::verify.
  task<Result<void>> verify(std::string issuer, jwt::Token token);

 private:
  struct Known {
    jwt::KeySet keys;
    TimePoint fetched{};
  };
  task<Result<jwt::KeySet>> keys_of(std::string issuer, Millis newer_than);
  task<Result<jwt::KeySet>> fetch_keys(std::string issuer);

  const Clock& clock_;
  Fetch fetch_;
  std::map<std::string, Known> known_;
};

}  // namespace landfall::sts
