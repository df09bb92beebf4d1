// What a handler knows about the request beside its input: who asks, where, when.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "io/task.h"

namespace landfall {

// The authenticated caller, as the gateway found it.
struct Principal {
  enum class Kind { anonymous, root, user, assumed_role, service };

  Kind kind = Kind::anonymous;
  std::string account;        // 12 digits
  std::string arn;            // what sts:GetCallerIdentity says
  std::string user_id;        // "AIDA...", "AROA...:session", or the account for root
  std::string name;           // of the user or role, without path; empty for root
  std::string access_key_id;  // the key that signed the request
  std::string session_name;   // assumed_role only
  std::string role_arn;       // assumed_role only: the role behind the session
};

// Lives as long as the request: handlers take it by reference.
struct RequestContext {
  Scope scope;  // account and region the request acts on
  Principal principal;
  std::string request_id;
  TimePoint now{};
  std::string client_address;  // numeric
  std::string user_agent;
  std::string host;  // the Host header: what the client calls us; for URLs in answers
  bool tls = false;
};

}  // namespace landfall
