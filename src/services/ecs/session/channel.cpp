#include "services/ecs/session/channel.h"

#include "base/log.h"
#include "base/record.h"

namespace landfall::ecs {
namespace {

constexpr std::size_t kPiece = 1024;          // as the agent sends it
constexpr std::size_t kMostUnconfirmed = 64;  // then output waits for the client
constexpr Millis kResend = std::chrono::milliseconds(300);
constexpr Millis kHandshake = std::chrono::seconds(15);
constexpr Millis kConfirmed = std::chrono::seconds(15);  // for the next confirmation, at the end
constexpr Millis kParting = std::chrono::seconds(5);     // for the client to hang up first
// What the plugin compares to decide how to talk to us: a version that has every feature.
constexpr const char* kAgentVersion = "3.3.2299.0";

struct Size {
  int cols = 0;
  int rows = 0;
};
LF_RECORD(Size, cols, rows)

struct Confirmation {
  std::string AcknowledgedMessageType;
  std::string AcknowledgedMessageId;
  std::int64_t AcknowledgedMessageSequenceNumber = 0;
  bool IsSequentialMessage = true;
};
LF_RECORD(Confirmation, AcknowledgedMessageType, AcknowledgedMessageId,
          AcknowledgedMessageSequenceNumber, IsSequentialMessage)

}  // namespace

Channel::Channel(io::Loop& loop, const Clock& clock, Random& random, http::WebSocket socket,
                 std::string session, Millis idle)
    : loop_(loop),
      clock_(clock),
      random_(random),
      socket_(std::move(socket)),
      session_(std::move(session)),
      idle_(idle),
      changed_(loop),
      last_(clock.now()) {}

task<void> Channel::run(
    std::function<task<Result<std::unique_ptr<host::TerminalSession>>>()> open) {
  io::TaskScope scope(loop_);
  bool stopped = false;
  try {
    scope.spawn("data channel input", receive());
    scope.spawn("data channel repetition", resend());
    const json::value request = {
        {"AgentVersion", kAgentVersion},
        {"RequestedClientActions",
         {{{"ActionType", "SessionType"},
           {"ActionParameters",
            {{"SessionType", "InteractiveCommands"}, {"Properties", json::object()}}}}}}};
    (void)co_await send(Payload::handshake_request, json::serialize(request));
    const TimePoint patience = clock_.now() + kHandshake;
    while (!agreed_ && !over_ && clock_.now() < patience) co_await changed_.wait_for(kHandshake);
    if (agreed_ && !over_) {
      auto terminal = co_await open();
      if (!terminal) {
        co_await say_closed(terminal.error().message);
        co_await part();
      } else {
        terminal_ = std::move(*terminal);
        (void)co_await send(Payload::handshake_complete,
                            R"({"HandshakeTimeToComplete":1000000,"CustomerMessage":""})");
        scope.spawn("data channel output", emit());
        scope.spawn("data channel patience", watch_idle());
      }
    }
    while (!over_) co_await changed_.wait();
  } catch (const io::Cancelled&) {
    stopped = true;
  }
  co_await scope.stop();
  if (stopped) throw io::Cancelled();
  co_await socket_.close(1000);
}

task<Result<void>> Channel::send(Payload type, std::string payload) {
  const ChannelMessage message{.type = "output_stream_data",
                               .created = clock_.now(),
                               .sequence = sent_++,
                               .flags = 0,
                               .id = random_.uuid(),
                               .payload_type = type,
                               .payload = std::move(payload)};
  std::string bytes = write_message(message);
  unconfirmed_.push_back({message.sequence, bytes});
  co_return co_await socket_.send({.text = false, .bytes = std::move(bytes)});
}

// The plugin confirms nothing that it is not ready for yet: it expects the message again.
task<void> Channel::resend() {
  while (!over_) {
    const std::int64_t oldest = unconfirmed_.empty() ? -1 : unconfirmed_.front().sequence;
    co_await loop_.sleep_for(kResend);
    if (unconfirmed_.empty() || unconfirmed_.front().sequence != oldest) continue;
    if (!co_await socket_.send({.text = false, .bytes = unconfirmed_.front().bytes})) end();
  }
}

task<void> Channel::receive() {
  co_await receive_all();
  end();
}

task<void> Channel::receive_all() {
  while (!over_) {
    auto message = co_await socket_.receive();
    if (!message || !*message) co_return;
    if ((*message)->text) continue;
    auto read = read_message((*message)->bytes);
    if (!read) {
      log::debug("ecs", "session {}: {}", session_, read.error().message);
      continue;
    }
    if (!co_await take(std::move(*read))) co_return;
  }
}

task<Result<void>> Channel::take(ChannelMessage message) {
  if (message.type == "acknowledge") {
    const auto confirmed = record::from_text<Confirmation>(message.payload);
    if (!confirmed) co_return Result<void>();
    std::erase_if(unconfirmed_, [&](const Unconfirmed& sent) {
      return sent.sequence == confirmed->AcknowledgedMessageSequenceNumber;
    });
    changed_.notify_all();
    co_return Result<void>();
  }
  // One from the future comes again when those before it have been confirmed.
  if (message.type != "input_stream_data" || message.sequence > taken_) co_return Result<void>();
  const Confirmation confirmation{message.type, message.id, message.sequence, true};
  LF_CO_OK(
      co_await socket_.send({.text = false,
                             .bytes = write_message({.type = "acknowledge",
                                                     .created = clock_.now(),
                                                     .sequence = 0,
                                                     .flags = 3,
                                                     .id = random_.uuid(),
                                                     .payload_type = Payload::none,
                                                     .payload = record::to_text(confirmation)})}));
  if (message.sequence < taken_) co_return Result<void>();
  ++taken_;
  switch (message.payload_type) {
    case Payload::handshake_response:
      agreed_ = true;
      changed_.notify_all();
      break;
    case Payload::output:
      last_ = clock_.now();
      if (terminal_) LF_CO_OK(co_await terminal_->write(std::move(message.payload)));
      break;
    case Payload::size:
      if (const auto size = record::from_text<Size>(message.payload); size && terminal_)
        terminal_->resize(size->rows, size->cols);
      break;
    case Payload::flag:
      if (message.payload == std::string("\0\0\0\2", 4)) co_return fail("ended", "the client ends");
      break;
    default:
      break;
  }
  co_return Result<void>();
}

task<void> Channel::emit() {
  co_await emit_all();
  // The client shows everything before it learns that it is over.
  TimePoint patience = clock_.now() + kConfirmed;
  for (std::size_t left = unconfirmed_.size(); left > 0 && !over_ && clock_.now() < patience;) {
    co_await changed_.wait_for(Millis(500));
    if (unconfirmed_.size() < left) patience = clock_.now() + kConfirmed;
    left = unconfirmed_.size();
  }
  if (!over_) co_await say_closed("");
  co_await part();
}

// The client hangs up: if we did while it still sends confirmations, the kernel would drop what it
// has not read yet.
task<void> Channel::part() {
  const TimePoint patience = clock_.now() + kParting;
  while (!over_ && clock_.now() < patience) co_await changed_.wait_for(Millis(500));
  end();
}

task<void> Channel::emit_all() {
  while (!over_) {
    while (unconfirmed_.size() >= kMostUnconfirmed && !over_) co_await changed_.wait();
    auto said = co_await terminal_->read();
    if (!said || said->empty()) {
      (void)co_await terminal_->exit_code();
      co_return;
    }
    last_ = clock_.now();
    for (std::string_view rest = *said; !rest.empty();
         rest.remove_prefix(std::min(rest.size(), kPiece))) {
      if (!co_await send(Payload::output, std::string(rest.substr(0, kPiece)))) co_return;
    }
  }
}

task<void> Channel::watch_idle() {
  while (!over_) {
    const Millis left = idle_ - (clock_.now() - last_);
    if (left > Millis(0)) {
      co_await loop_.sleep_for(left);
      continue;
    }
    co_await say_closed("The session has timed out: nothing was typed or printed for too long.");
    co_await part();
  }
}

task<void> Channel::say_closed(std::string why) {
  const std::string id = random_.uuid();
  const json::value closed = {{"MessageId", id},
                              {"CreatedDate", std::to_string(to_unix_ms(clock_.now()))},
                              {"DestinationId", ""},
                              {"SessionId", session_},
                              {"MessageType", "channel_closed"},
                              {"SchemaVersion", 1},
                              {"Output", why}};
  (void)co_await socket_.send({.text = false,
                               .bytes = write_message({.type = "channel_closed",
                                                       .created = clock_.now(),
                                                       .sequence = 0,
                                                       .flags = 0,
                                                       .id = id,
                                                       .payload_type = Payload::none,
                                                       .payload = json::serialize(closed)})});
}

}  // namespace landfall::ecs
