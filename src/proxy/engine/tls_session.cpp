#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>

#include "base/check.h"
#include "proxy/engine/tls.h"

namespace landfall::proxy {
namespace {

TlsSession& session_of(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

int bio_read(BIO* bio, char* out, int size) {
  TlsSession& session = session_of(bio);
  BIO_clear_retry_flags(bio);
  if (session.input.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t take = std::min(session.input.size(), static_cast<std::size_t>(size));
  std::memcpy(out, session.input.data(), take);
  session.input.remove_prefix(take);
  return static_cast<int>(take);
}

int bio_write(BIO* bio, const char* bytes, int size) {
  TlsSession& session = session_of(bio);
  BIO_clear_retry_flags(bio);
  if (session.output == nullptr) return -1;
  session.output->append(bytes, static_cast<std::size_t>(size));
  return size;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* byte_stream() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bytes");
    CHECK(made != nullptr);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    BIO_meth_set_create(made, bio_create);
    return made;
  }();
  return method;
}

}  // namespace

TlsSession::TlsSession(SSL* ssl, std::shared_ptr<const TlsContexts> contexts)
    : contexts_(std::move(contexts)), ssl_(ssl) {
  BIO* bio = BIO_new(byte_stream());
  CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
}

TlsSession::~TlsSession() {
  // Otherwise OpenSSL takes the session for a broken one.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

TlsSession::Step TlsSession::advance(std::string_view cipher, std::size_t& used, std::string& out) {
  input = cipher;
  output = &out;
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_);
  used = cipher.size() - input.size();
  output = nullptr;
  if (done == 1) {
    established_ = true;
    return Step::done;
  }
  const int why = SSL_get_error(ssl_, done);
  certificate_too_large_ = ERR_GET_REASON(ERR_peek_error()) == SSL_R_EXCESSIVE_MESSAGE_SIZE;
  return why == SSL_ERROR_WANT_READ ? Step::more : Step::broken;
}

TlsSession::Step TlsSession::decrypt(std::string_view cipher, char* out, std::size_t size,
                                     std::size_t& got) {
  input = cipher;
  // Answers to key updates and the like wait for the next write.
  std::string aside;
  output = &aside;
  got = 0;
  ERR_clear_error();
  while (got < size) {
    std::size_t count = 0;
    const int done = SSL_read_ex(ssl_, out + got, size - got, &count);
    if (done == 1) {
      got += count;
      // Nothing is left: asking once more would cost a buffer to learn it.
      if (input.empty() && SSL_has_pending(ssl_) == 0) break;
      continue;
    }
    output = nullptr;
    switch (SSL_get_error(ssl_, done)) {
      case SSL_ERROR_WANT_READ:
        return Step::done;
      case SSL_ERROR_ZERO_RETURN:
        return Step::more;
      default:
        return Step::broken;
    }
  }
  output = nullptr;
  // The caller's buffer is larger than any read decrypts to.
  return input.empty() ? Step::done : Step::broken;
}

bool TlsSession::encrypt(std::string_view plain, std::string& out) {
  output = &out;
  ERR_clear_error();
  bool good = true;
  while (good && !plain.empty()) {
    std::size_t count = 0;
    good = SSL_write_ex(ssl_, plain.data(), plain.size(), &count) == 1;
    plain.remove_prefix(good ? count : 0);
  }
  output = nullptr;
  return good;
}

void TlsSession::close_notify(std::string& out) {
  if (!established_ || (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0) return;
  output = &out;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  output = nullptr;
}

std::string_view TlsSession::version() const { return SSL_get_version(ssl_); }
std::string_view TlsSession::cipher() const { return SSL_get_cipher_name(ssl_); }
std::string_view TlsSession::server_name() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? std::string_view(name) : std::string_view();
}
std::string_view TlsSession::failure() const {
  if (certificate_ && !certificate_->failure.empty()) return certificate_->failure;
  return certificate_too_large_ ? "ClientCertMaxSizeExceeded" : "UnmappedConnectionError";
}

bool TlsSession::resumed() const { return SSL_session_reused(ssl_) == 1; }

bool TlsSession::http2() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return size == 2 && std::memcmp(name, "h2", 2) == 0;
}

}  // namespace landfall::proxy
