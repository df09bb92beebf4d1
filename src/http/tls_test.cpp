#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sched.h>
#include <sys/mount.h>

#include <fstream>

#include "http/client.h"
#include "http/server.h"
#include "io/net.h"

namespace landfall::http {
namespace {

using namespace std::chrono_literals;

std::string pem_of(const std::function<void(BIO*)>& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

// Self-signed, for one name ("DNS:x" or "IP:1.2.3.4").
CertificatePem make_certificate(const std::string& name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str());
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());
  CertificatePem out{pem_of([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); }),
                     pem_of([&](BIO* bio) {
                       PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
                     })};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

task<void> echo(Request request, BodyReader& body, ResponseWriter& out) {
  auto text = co_await body.read_all(64 << 20);
  (void)co_await out.send(
      {.status = request.tls ? 200 : 299, .body = text ? *text : text.error().code});
}

class TlsTest : public testing::Test {
 public:
  TlsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "lf-tls-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    install(make_certificate("IP:127.0.0.1"));
    options_.certificate_file = folder_ / "certificate.pem";
    options_.key_file = folder_ / "key.pem";
  }
  ~TlsTest() override { std::filesystem::remove_all(folder_); }
  void install(const CertificatePem& pem) {
    std::ofstream(folder_ / "certificate.pem") << pem.certificate;
    std::ofstream(folder_ / "key.pem") << pem.key;
  }
  void serve(std::function<task<void>(TlsTest&)> client) {
    Server server(loop_, echo, options_);
    server_ = &server;
    loop_.run(drive(server, std::move(client)));
  }
  task<void> drive(Server& server, std::function<task<void>(TlsTest&)> client) {
    auto at = server.listen({"127.0.0.1", 0});
    CHECK(at.has_value());
    at_ = *at;
    co_await client(*this);
    co_await server.stop(50ms);
  }
  task<Result<Response>> call(std::string scheme, std::string host, std::string body,
                              std::string ca = {}) {
    ClientOptions options;
    options.ca_file = ca.empty() ? folder_ / "certificate.pem" : std::filesystem::path(ca);
    options.timeout = 5s;
    co_return co_await request(loop_, "POST", fmt::format("{}://{}:{}/", scheme, host, at_.port),
                               {}, std::move(body), options);
  }

  io::Loop loop_{2};
  std::filesystem::path folder_;
  ServerOptions options_;
  Server* server_ = nullptr;
  io::Endpoint at_;
};

TEST_F(TlsTest, OnePortSpeaksBoth) {
  serve([](TlsTest& t) -> task<void> {
    auto secure = co_await t.call("https", "127.0.0.1", "hello");
    EXPECT_TRUE(secure.has_value()) << (secure ? "" : secure.error().message);
    EXPECT_TRUE(secure && secure->status == 200 && secure->body == "hello");
    auto plain = co_await t.call("http", "127.0.0.1", "hello");
    EXPECT_TRUE(plain && plain->status == 299);
    const std::string large(20 << 20, 'x');
    secure = co_await t.call("https", "127.0.0.1", large);
    EXPECT_TRUE(secure && secure->body == large);
  });
}

TEST_F(TlsTest, ClientsRefuseAWrongNameOrAuthority) {
  std::ofstream(folder_ / "other.pem") << make_certificate("IP:127.0.0.1").certificate;
  serve([](TlsTest& t) -> task<void> {
    auto got = co_await t.call("https", "localhost", "x");
    EXPECT_EQ(got ? "" : got.error().code, "tls-failed");
    got = co_await t.call("https", "127.0.0.1", "x", t.folder_ / "other.pem");
    EXPECT_EQ(got ? "" : got.error().code, "tls-failed");
  });
}

TEST_F(TlsTest, CertificatesByName) {
  const CertificatePem by_name = make_certificate("DNS:localhost");
  int asked = 0;
  options_.certificate_for = [&](const std::string& name) -> std::optional<CertificatePem> {
    ++asked;
    if (name == "localhost") return by_name;
    return {};
  };
  std::ofstream(folder_ / "named.pem") << by_name.certificate;
  serve([](TlsTest& t) -> task<void> {
    for (int i = 0; i < 3; ++i) {
      auto got = co_await t.call("https", "localhost", "x", t.folder_ / "named.pem");
      EXPECT_TRUE(got.has_value()) << (got ? "" : got.error().message);
    }
    EXPECT_TRUE(co_await t.call("https", "127.0.0.1", "x"));
  });
  EXPECT_EQ(asked, 1);
}

TEST_F(TlsTest, AReloadedCertificateIsUsed) {
  serve([](TlsTest& t) -> task<void> {
    t.install(make_certificate("DNS:localhost"));
    EXPECT_FALSE(co_await t.call("https", "127.0.0.1", "x"));
    EXPECT_TRUE(t.server_->reload_certificate());
    EXPECT_TRUE(co_await t.call("https", "localhost", "x"));
    std::ofstream(t.folder_ / "key.pem") << "broken";
    EXPECT_FALSE(t.server_->reload_certificate());
    EXPECT_TRUE(co_await t.call("https", "localhost", "x"));
  });
}

TEST_F(TlsTest, WithoutACertificateTlsIsRefused) {
  options_.certificate_file.clear();
  options_.key_file.clear();
  serve([](TlsTest& t) -> task<void> {
    EXPECT_FALSE(co_await t.call("https", "127.0.0.1", "x"));
    EXPECT_TRUE(co_await t.call("http", "127.0.0.1", "x"));
  });
}

TEST_F(TlsTest, BrokenHandshakesEndTheConnection) {
  serve([](TlsTest& t) -> task<void> {
    auto stream = co_await io::connect(t.loop_, t.at_, 1s);
    std::string noise = "\x16\x03\x01";
    noise += std::string(200, '\xee');
    (void)co_await stream->write_all(noise);
    char buffer[256];
    std::size_t got = 0;
    do {
      const auto count = co_await stream->read_some(buffer);
      got = count.value_or(0);
    } while (got > 0);
    EXPECT_TRUE(co_await t.call("https", "127.0.0.1", "x"));
  });
}

// A namespace of its own, kept by a bind mount as `ip netns add` does.
class NetworkNamespace {
 public:
  NetworkNamespace() {
    std::string name = (std::filesystem::temp_directory_path() / "lf-netns-XXXXXX").string();
    ::close(::mkstemp(name.data()));
    path_ = name;
    std::thread maker([this] {
      good_ = ::unshare(CLONE_NEWNET) == 0 && std::system("ip link set lo up") == 0 &&
              ::mount("/proc/thread-self/ns/net", path_.c_str(), nullptr, MS_BIND, nullptr) == 0;
    });
    maker.join();
  }
  ~NetworkNamespace() {
    ::umount2(path_.c_str(), MNT_DETACH);
    ::unlink(path_.c_str());
  }
  bool good() const { return good_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool good_ = false;
};

TEST_F(TlsTest, ListensInsideANetworkNamespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
  const NetworkNamespace inside;
  ASSERT_TRUE(inside.good());
  serve([&](TlsTest& t) -> task<void> {
    auto at = t.server_->listen({"127.0.0.1", 0}, inside.path());
    EXPECT_TRUE(at.has_value());
    ClientOptions options;
    options.network_namespace = inside.path();
    auto got = co_await request(t.loop_, "POST", "http://" + at->str() + "/", {}, "x", options);
    EXPECT_TRUE(got && got->body == "x");
    options.network_namespace.clear();
    EXPECT_FALSE(co_await request(t.loop_, "POST", "http://" + at->str() + "/", {}, "x", options));
    EXPECT_FALSE(t.server_->listen({"127.0.0.1", 0}, "/no/such/namespace"));
  });
}

}  // namespace
}  // namespace landfall::http
