#include "services/logs/service.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

// "f/DIGITS/s": what comes after the position; "b/DIGITS/s": what comes before it.
struct Token {
  bool forward = true;
  Position position;
  std::string str() const { return fmt::format("{}/{}/s", forward ? 'f' : 'b', position.str()); }
};

Result<Token> parse_token(std::string_view text) {
  Token token;
  if (text.size() == 60 && (text[0] == 'f' || text[0] == 'b') && text[1] == '/' &&
      text.ends_with("/s") && Position::parse(text.substr(2, 56), token.position)) {
    token.forward = text[0] == 'f';
    return token;
  }
  return errors::invalid_parameter("The specified nextToken is invalid.");
}

}  // namespace

// Both tokens are always given. At an end of the stream the token asked with comes back, as on AWS;
// so a client that follows asks with the same token until something is there.
task<Result<GetLogEventsResponse>> get_log_events(Logs& logs, const RequestContext& ctx,
                                                  GetLogEventsRequest in) {
  LF_CO_TRY(group, find_group(logs, ctx.scope, in.log_group_name, in.log_group_identifier));
  LF_CO_OK(find_stream(logs, group, in.log_stream_name));
  if (in.start_time && in.end_time && *in.start_time > *in.end_time) {
    co_return errors::invalid_parameter("startTime must be less than or equal to endTime.");
  }
  std::optional<Token> token;
  if (in.next_token) {
    LF_CO_TRY(parsed, parse_token(*in.next_token));
    token = parsed;
  }
  Query query;
  query.group = group.value.id;
  query.streams = {in.log_stream_name};
  query.from_ms = std::max(in.start_time.value_or(0), retention_cutoff_ms(group.value, ctx.now));
  if (in.end_time) query.to_ms = *in.end_time;
  if (in.limit) query.limit = static_cast<std::size_t>(*in.limit);
  query.backward = token ? !token->forward : !in.start_from_head.value_or(false);
  if (token) (token->forward ? query.after : query.before) = token->position;
  auto page = co_await logs.engine.search(std::move(query));
  if (!page) co_return std::unexpected(to_api(page.error()));

  GetLogEventsResponse out;
  for (Found& found : page->events) {
    OutputLogEvent event;
    event.timestamp = found.position.time_ms;
    event.message = std::move(found.message);
    event.ingestion_time = found.ingestion_ms;
    out.events.push_back(std::move(event));
  }
  Token forward{true, {}};
  Token backward{false, {}};
  if (!page->events.empty()) {
    forward.position = page->events.back().position;
    backward.position = page->events.front().position;
  } else if (token && token->forward) {
    forward.position = token->position;
    backward.position = token->position.after();
  } else if (token) {
    backward.position = token->position;
    forward.position = token->position.before();
  }
  out.next_forward_token = forward.str();
  out.next_backward_token = backward.str();
  co_return out;
}

}  // namespace landfall::logs
