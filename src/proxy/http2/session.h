// What HTTP/2 in front and HTTP/2 to targets have in common: an nghttp2 session over a Stream, and
// the two directions of each of its streams.
#pragma once

#include <nghttp2/nghttp2.h>

#include "proxy/engine/stream.h"

namespace landfall::proxy {

// The session of one connection. Windows open as the other side takes what came, not by themselves.
class Http2Session {
 public:
  static constexpr std::uint32_t kWindow = 256 << 10;  // of each stream
  enum class Role : std::uint8_t { server, client };

  // `user` is what the callbacks get; `windows`: how many streams' fill the connection's.
  Http2Session(Role role, const nghttp2_session_callbacks* callbacks, void* user,
               std::span<const nghttp2_settings_entry> settings, std::uint32_t windows);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;

  // False: the peer breaks the protocol; what there is to say about that waits to be sent.
  bool receive(std::string_view bytes);
  enum class Sent : std::uint8_t { all, malformed, broken };
  // Gives `to` what is ready, as far as it takes it.
  Sent send(Stream& to);
  // Neither side has anything more to say.
  bool over() const;
  // It ends with the streams that it has.
  void stop() { going_away_ = true; }
  void go_away();  // likewise, and the peer is told
  bool going_away() const { return going_away_; }
  operator nghttp2_session*() const { return session_; }

 private:
  nghttp2_session* session_ = nullptr;
  bool going_away_ = false;
};

// One stream's body on its way out, and the credit of the one that comes in.
class Http2Flow {
 public:
  // --- out
  void append(Spans parts);
  void end() { ended_ = true; }
  void drop();  // nothing more is sent
  void set_trailers(std::string_view lines) { trailers_ = lines; }
  std::string_view trailers() const { return trailers_; }
  bool ended() const { return ended_; }
  bool empty() const { return waiting() == 0; }
  // The peer does not take it as fast as it comes.
  bool blocked() const { return waiting() > kOutLimit; }
  // For nghttp2: what it sends next of stream `id`, how much that is, and its flags.
  ssize_t read(nghttp2_session* session, std::int32_t id, std::uint8_t* out, std::size_t size,
               std::uint32_t& flags);

  // --- in
  // `size` bytes came; with `keep`, flow control gets them back later.
  void came(nghttp2_session* session, std::int32_t id, std::size_t size, bool keep);
  // False: there was nothing to give back.
  bool give_back(nghttp2_session* session, std::int32_t id);

 private:
  static constexpr std::size_t kOutLimit = 128 << 10;
  std::size_t waiting() const { return out_.size() - out_at_; }

  std::string out_;
  std::size_t out_at_ = 0;
  std::string trailers_;
  bool ended_ = false;
  std::size_t unconsumed_ = 0;
};

// How nghttp2 gets the body of `stream`: from its read().
template <class Stream>
nghttp2_data_provider body_of(Stream& stream) {
  return {{.ptr = &stream},
          [](nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size,
             std::uint32_t* flags, nghttp2_data_source* source,
             void*) { return static_cast<Stream*>(source->ptr)->read(out, size, *flags); }};
}

inline std::string_view as_text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace landfall::proxy
