// Which target group, and which target in it, gets a request.
#pragma once

#include "proxy/engine/exchange.h"

namespace landfall::proxy {

struct Choice {
  const CompiledGroup* group = nullptr;
  TargetState* target = nullptr;  // null: there is none
  std::string cookies;            // Set-Cookie lines for the answer
};

// By the weights and the algorithm of the rule that the exchange follows, and by its cookies. Sets
// the exchange's counters of the group.
Choice choose(Exchange& exchange, const http1::RequestHead& head, unsigned zone);

// For connections without HTTP: by the listener's only rule. Null: no target.
TargetState* choose_for_connection(Worker& worker, const CompiledGroup& group,
                                   const PeerAddress& peer);

// For groups that follow a cookie of the application: adds ours when the answer sets theirs.
void add_application_cookie(Exchange& exchange, const http1::ResponseHead& head);

}  // namespace landfall::proxy
