#include "proxy/engine/exchange.h"

#include "proxy/auth/gate.h"
#include "proxy/engine/choice.h"
#include "proxy/engine/rewrite.h"
#include "proxy/engine/upstream_h1.h"
#include "proxy/http1/scan.h"
#include "proxy/http2/upstream.h"

namespace landfall::proxy {

using http1::Severity;

Exchange::Exchange(Worker& worker) : worker(worker) {}
Exchange::~Exchange() = default;

void Exchange::reset() {
  Worker& same = worker;
  this->~Exchange();
  new (this) Exchange(same);
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE";
}

namespace {

bool is_grpc(const http1::RequestHead& head) {
  for (const http1::Field& field : head.fields) {
    if (!http1::equals_lower(field.name, "content-type")) continue;
    return field.value.starts_with("application/grpc") &&
           (field.value.size() == 16 || std::string_view("+;").contains(field.value[16]));
  }
  return false;
}

// docs: load-balancer-troubleshooting, HTTP 464
bool fits(const TargetGroup& group, const ClientFacts& client, const http1::RequestHead& head,
          bool grpc) {
  switch (group.version) {
    case ProtocolVersion::http1:
      return !grpc;
    case ProtocolVersion::http2:
      return client.http2;
    case ProtocolVersion::grpc:
      return client.http2 && head.method == "POST";
  }
  return false;
}

}  // namespace

// False when there is no listener any more.
bool Exchange::begin(Front& to, const ClientFacts& client, const http1::RequestHead& head) {
  front = &to;
  begun_us = Worker::clock_us();
  received_bytes = head.size;
  head_method = head.head_method;
  http10 = head.minor_version == 0;
  severity = head.severity;
  reason = head.reason;
  zone = client.zone;
  held = worker.config();
  worker.hold(held);
  listener = held->config->listener(client.listener_slot);
  if (listener == nullptr) return false;
  balancer_counts = &listener->balancer->state->tally.at(worker.index(), client.zone);
  if (severity != Severity::compliant) balancer_counts->add(Count::desync_non_compliant);
  grpc = client.http2 && is_grpc(head);
  if (listener->balancer->access_log) begin_record(client, head);
  return true;
}

void Exchange::refuse(Front& to, const ClientFacts& client, const http1::RequestHead& head,
                      int with_status, Cause why) {
  client_must_close = true;
  request_complete = true;
  if (!begin(to, client, head)) why = Cause::shut_down;
  fail(with_status, why);
}

const CompiledRule* Exchange::choose_rule(const ClientFacts& client,
                                          const http1::RequestHead& head) {
  const RuleInput input{head, host_without_port(head.authority), *client.peer};
  std::uint64_t evaluated = 0;
  const CompiledRule* found = nullptr;
  for (const CompiledRule& each : listener->rules) {
    bool all = true;
    for (const CompiledCondition& condition : each.conditions) {
      if (!condition.matches(input)) {
        all = false;
        break;
      }
    }
    if (all) {
      found = &each;
      break;
    }
    ++evaluated;
  }
  if (evaluated > 0) balancer_counts->add(Count::rule_evaluations, evaluated);
  return found;
}

void Exchange::start(Front& to, const ClientFacts& client, const http1::RequestHead& head,
                     Spans body, bool end) {
  request_complete = end;
  if (!begin(to, client, head)) {
    client_must_close = true;
    fail(503, Cause::shut_down);
    return;
  }
  // docs: application-load-balancers, desync mitigation mode
  const DesyncMode mode = listener->balancer->spec.desync_mode;
  if (severity != Severity::compliant && mode == DesyncMode::strictest) {
    client_must_close = true;
    fail(400, Cause::desync_blocked);
    return;
  }
  client_must_close = severity == Severity::ambiguous && mode == DesyncMode::defensive;
  if (head.method == "TRACE") {
    fail(405, Cause::method_not_allowed);
    return;
  }
  for (const std::string_view part : body) received_bytes += part.size();
  if (!listener->logins.empty() && head.path == kLoginAnswerPath) {
    take_login_answer(*this, client, head);
    return;
  }
  rule = choose_rule(client, head);
  if (rule == nullptr) {
    fail(503, Cause::no_targets);
    return;
  }
  if (const Gate* gate = rule->action.gate.get()) {
    if (!gate->admit(*this, client, worker.request_head(), body, end)) return;
  }
  act(client, head, body, end);
}

void Exchange::act(const ClientFacts& client, const http1::RequestHead& head, Spans body,
                   bool end) {
  switch (rule->action.spec.kind) {
    case ActionKind::forward:
      forward(client, head, body, end);
      break;
    case ActionKind::redirect:
      redirect(client, head);
      break;
    case ActionKind::fixed_response: {
      const Action& spec = rule->action.spec;
      balancer_counts->add(Count::fixed_responses);
      status = spec.status;
      answer_begun = true;
      front->answer(*this,
                    {.status = spec.status,
                     .content_type = spec.content_type.empty() ? "text/plain" : spec.content_type,
                     .body = spec.body,
                     .cookies = cookies});
      break;
    }
  }
}

void Exchange::forward(const ClientFacts& client, const http1::RequestHead& head, Spans body,
                       bool end) {
  Choice choice = choose(*this, head, client.zone);
  if (choice.target == nullptr) {
    fail(503, Cause::no_targets);
    return;
  }
  group = choice.group;
  // docs: load-balancer-cloudwatch-metrics: only requests for which a target was chosen count.
  balancer_counts->add(Count::requests);
  group_counts->add(Count::requests);
  if (cookies.empty())
    cookies = std::move(choice.cookies);
  else
    cookies.append(choice.cookies);
  if (!fits(group->spec, client, head, grpc)) {
    fail(464, Cause::protocol_mismatch);
    return;
  }
  if (grpc) balancer_counts->add(Count::grpc_requests);
  Transformed transformed;
  if (rule->transforms) {
    transformed = apply(*rule->transforms, head);
    if (record) record->set_transformed(transformed.host, transformed.url, transformed.status);
    if (transformed.failed) {
      fail(500, Cause::transform_failed);
      return;
    }
  }
  plain_body = group->spec.version != ProtocolVersion::http1;
  upgrade = head.upgrade;
  RequestContext context{
      .balancer = listener->balancer->spec,
      .names = listener->spec.request_header_names,
      .reserved = listener->reserved_headers.get(),
      .certificate = listener->spec.mutual_tls.mode == ClientCertificates::off
                         ? nullptr
                         : client.client_certificate,
      .peer = *client.peer,
      .listener_port = client.listener_port,
      .secure = client.secure,
      .tls_version = client.tls_version,
      .tls_cipher = client.tls_cipher,
      .trace_random = {worker.random(), worker.random()},
      .unix_seconds = worker.unix_seconds(),
      .upgrade = upgrade,
      .target_closes = client_must_close,
      .http2 = client.http2,
      .host = transformed.host,
      .url = transformed.url,
      .more_fields = admission ? std::string_view(admission->fields) : std::string_view()};
  Writer out(worker.scratch(), Worker::kScratchSize);
  const RewrittenRequest rewritten = rewrite_request(head, context, out);
  if (rewritten.status != 0) {
    client_must_close = true;
    fail(rewritten.status,
         rewritten.status == 463 ? Cause::too_many_addresses : Cause::malformed_request);
    return;
  }
  if (record) record->trace_id = rewritten.trace_id;
  if (rewritten.dropped_invalid) balancer_counts->add(Count::dropped_invalid_header);
  if (rewritten.forwarded_invalid) balancer_counts->add(Count::forwarded_invalid_header);
  if (admission) body = admission->framed(body, plain_body, end);
  replayable = end && is_idempotent(head.method) && !upgrade;
  dispatched_us = Worker::clock_us();
  if (plain_body) {
    UpstreamH2::dispatch(*this, *choice.target, client.from, rewritten.head, body, end);
  } else {
    UpstreamH1::dispatch(*this, *choice.target, client.from, rewritten.head, body, end);
  }
}

void Exchange::request_body(Spans body, bool end) {
  for (const std::string_view part : body) received_bytes += part.size();
  request_complete = request_complete || end;
  if (back != nullptr) back->send_body(*this, body, end);
}

void Exchange::attach(Back& to, TargetState& at) {
  back = &to;
  target = &at;
  if (group->spec.algorithm == Algorithm::least_outstanding_requests) {
    at.outstanding.fetch_add(1, std::memory_order_relaxed);
    outstanding_ = true;
  }
}

void Exchange::detach() {
  if (std::exchange(outstanding_, false)) {
    target->outstanding.fetch_sub(1, std::memory_order_relaxed);
  }
  back = nullptr;
}

void Exchange::respond(const http1::ResponseHead& head, Spans body, bool end) {
  answered_us = Worker::clock_us();
  target_status = status = head.status;
  answer_begun = true;
  Counters& counters = *group_counts;
  counters.response_time.record(static_cast<std::uint64_t>(answered_us - dispatched_us));
  const int family = head.status / 100;
  if (family >= 2 && family <= 5) {
    counters.add(static_cast<Count>(static_cast<int>(Count::target_2xx) + family - 2));
  }
  for (const std::string_view part : body) sent_bytes += part.size();
  sent_bytes += head.size;
  add_application_cookie(*this, head);
  front->respond(*this, head, body, end);
}

void Exchange::respond_body(Spans body, bool end) {
  for (const std::string_view part : body) sent_bytes += part.size();
  front->body(*this, body, end);
}

void Exchange::fail(int with_status, Cause why) {
  cause = why;
  if (Back* former = back) {
    detach();
    former->abandon(*this);
  }
  if (answer_begun) {
    front->cut(*this);
    return;
  }
  status = with_status;
  answer_begun = true;
  if (group != nullptr) {
    Counters& counters = *group_counts;
    if (why == Cause::connect_failed || why == Cause::connect_timeout)
      counters.add(Count::target_connection_errors);
    if (why == Cause::target_tls_failed) counters.add(Count::target_tls_errors);
  }
  const std::string_view page = error_page(with_status);
  front->answer(*this, {.status = with_status, .content_type = "text/html", .body = page});
}

void Exchange::client_gone() {
  if (finished_) return;
  if (Back* former = back) {
    detach();
    former->abandon(*this);
  }
  // docs: load-balancer-troubleshooting, HTTP 460
  if (!answer_begun) status = request_complete ? 460 : 400;
  finish(status, Cause::client_closed);
}

void Exchange::count_status() {
  Counters& counters = *balancer_counts;
  counters.add(Count::processed_bytes, received_bytes + sent_bytes);
  if (target_status != 0) return;
  const bool refused = admission && admission->refused;
  if (!refused && rule != nullptr && rule->action.spec.kind == ActionKind::fixed_response) return;
  if (status >= 300 && status < 400) counters.add(Count::elb_3xx);
  if (status >= 400 && status < 500) counters.add(Count::elb_4xx);
  if (status >= 500) counters.add(Count::elb_5xx);
  if (status == 500) counters.add(Count::elb_500);
  if (status == 502) counters.add(Count::elb_502);
  if (status == 503) counters.add(Count::elb_503);
  if (status == 504) counters.add(Count::elb_504);
}

void Exchange::finish(int with_status, Cause why) {
  if (std::exchange(finished_, true)) return;
  status = with_status;
  if (why != Cause::none) cause = why;
  if (listener != nullptr) count_status();
  if (record) end_record();
  if (held != nullptr) worker.release(std::exchange(held, nullptr));
}

}  // namespace landfall::proxy
