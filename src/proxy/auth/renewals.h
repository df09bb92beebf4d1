// Renewals of sessions, one for each refresh token: a browser asks for many things at once, and to
// some providers a refresh token is good for one use only.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/auth/login.h"

namespace landfall::proxy {

class Renewals {
 public:
  // May be called on any thread; never while the lock is held.
  using Done = std::function<void(const LoginResult&)>;

  enum class Turn : std::uint8_t { first, waits, known };
  // first: the caller has to renew, and to tell finish(). waits: `done` will be called. known: it
  // has been renewed a moment ago; `result` is set.
  Turn enter(const std::string& refresh_token, std::int64_t now_seconds, Done done,
             LoginResult& result);
  void finish(const std::string& refresh_token, std::int64_t now_seconds,
              const LoginResult& result);

 private:
  struct Entry {
    std::vector<Done> waiting;
    bool done = false;
    LoginResult result;
    std::int64_t until_seconds = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by the token's digest
};

}  // namespace landfall::proxy
