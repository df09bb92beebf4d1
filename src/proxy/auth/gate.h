// What stands before a rule's action: requests pass, are answered, or wait for an identity
// provider. Rules without one pay for a null pointer.
#pragma once

#include "proxy/engine/exchange.h"

namespace landfall::proxy {

// What a gate leaves on a request.
struct Admission {
  std::string_view action;  // as the access log names it; a constant
  std::string_view reason;  // of a refusal; a constant
  std::string fields;       // for the target, complete lines
  std::string location;     // where the client was sent
  bool refused = false;     // the rule's action was not taken
  bool bare = false;        // a chunked body was kept without its framing

  // The body as a target takes it.
  Spans framed(Spans body, bool plain, bool end);

 private:
  std::string size_;
  std::vector<std::string_view> parts_;
};

class Gate {
 public:
  virtual ~Gate() = default;
  // True: the request may pass. False: it has been answered, or will be. Edits `head`.
  virtual bool admit(Exchange& exchange, const ClientFacts& client, http1::RequestHead& head,
                     Spans body, bool end) const = 0;
};

// Answers in place of the rule's action.
void refuse(Exchange& exchange, int status, std::string_view reason);
void send_away(Exchange& exchange, std::string location, std::string cookie_lines);

// Where providers send users back to, on every host of a listener with logins.
inline constexpr std::string_view kLoginAnswerPath = "/oauth2/idpresponse";
void take_login_answer(Exchange& exchange, const ClientFacts& client,
                       const http1::RequestHead& head);

}  // namespace landfall::proxy
