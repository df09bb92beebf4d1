// Certificates of clients: who gets in, why others do not, and what targets are told.
#include "proxy/engine/client_certificate.h"
#include "proxy/engine/testing_authority.h"
#include "proxy/engine/tls.h"

namespace landfall::proxy::testing {
namespace {

struct Outcome {
  bool established = false;
  std::string failure;
  ClientCertificate shown;
};

// A handshake without sockets.
Outcome meet(const std::shared_ptr<TlsContexts>& contexts, const Certificate* certificate,
             int version = TLS1_3_VERSION) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);  // this side shows whatever it has
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
  if (certificate != nullptr) {
    BIO* bio = BIO_new_mem_buf(certificate->chain_pem.data(), -1);
    X509* leaf = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context, leaf);
    X509_free(leaf);
    while (X509* next = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr))
      SSL_CTX_add0_chain_cert(context, next);
    BIO_free(bio);
    bio = BIO_new_mem_buf(certificate->key_pem.data(), -1);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
    BIO_free(bio);
  }
  SSL* client = SSL_new(context);
  BIO* to_client = BIO_new(BIO_s_mem());
  BIO* from_client = BIO_new(BIO_s_mem());
  SSL_set_bio(client, to_client, from_client);
  SSL_set_connect_state(client);
  const auto server = contexts->accept();
  Outcome out;
  for (int round = 0; round < 10 && !server->established(); ++round) {
    SSL_do_handshake(client);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(from_client, &bytes);
    const std::string flight(bytes, static_cast<std::size_t>(size));
    (void)BIO_reset(from_client);
    std::size_t used = 0;
    std::string answer;
    if (server->advance(flight, used, answer) == TlsSession::Step::broken) {
      out.failure = server->failure();
      break;
    }
    BIO_write(to_client, answer.data(), static_cast<int>(answer.size()));
  }
  out.established = server->established();
  if (server->client_certificate() != nullptr) out.shown = *server->client_certificate();
  SSL_free(client);
  SSL_CTX_free(context);
  return out;
}

struct World {
  Authority root{"root"};
  Authority stranger{"root"};  // the same name, another key
  TlsSettings tls{.certificates = {make_certificate("default", "DNS:default.test")}};
  MutualTls mutual{.mode = ClientCertificates::verify, .authorities_pem = root.pem()};

  Outcome meet(const Certificate& shown, int version = TLS1_3_VERSION) {
    const auto contexts = TlsContexts::open(tls, false, mutual);
    EXPECT_TRUE(contexts) << contexts.error().message;
    return testing::meet(*contexts, &shown, version);
  }
  std::string failure(const Certificate& shown) {
    const Outcome out = meet(shown);
    EXPECT_EQ(out.established, out.failure.empty());
    return out.failure;
  }
};

TEST(MutualTls, WhoIsLetIn) {
  World world;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Outcome out = world.meet(world.root.issue({.name = "client"}), version);
    EXPECT_TRUE(out.established);
    EXPECT_EQ(out.shown.subject, "CN=client,O=mTLS");
    EXPECT_EQ(out.shown.issuer, "CN=root,O=mTLS");
    EXPECT_EQ(out.shown.serial_number, "03A5B1");
    EXPECT_TRUE(out.shown.leaf.starts_with("-----BEGIN%20CERTIFICATE-----%0AMII"));
    EXPECT_TRUE(out.shown.leaf.ends_with("-----END%20CERTIFICATE-----%0A"));
    EXPECT_EQ(out.shown.validity.size(), 60u) << out.shown.validity;
    EXPECT_TRUE(out.shown.validity.starts_with("NotBefore=20"));
  }
  EXPECT_EQ(world.failure(world.root.issue({.name = "rsa", .rsa_bits = 2048})), "");
  EXPECT_EQ(world.failure(world.root.issue({.name = "for clients", .purpose = "clientAuth"})), "");
}

TEST(MutualTls, WhoIsNotAndWhy) {
  World world;
  const auto contexts = TlsContexts::open(world.tls, false, world.mutual);
  ASSERT_TRUE(contexts);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Outcome none = meet(*contexts, nullptr, version);
    EXPECT_FALSE(none.established);
    EXPECT_EQ(none.failure, "UnmappedConnectionError");
  }
  EXPECT_EQ(world.failure(world.stranger.issue({.name = "client"})), "ClientCertUntrusted");
  EXPECT_EQ(world.failure(make_certificate("self", "DNS:self")), "ClientCertUntrusted");
  const Authority other("other");
  EXPECT_EQ(world.failure(other.issue({.name = "client"})), "ClientCertUntrusted");
  EXPECT_EQ(
      world.failure(world.root.issue({.name = "old", .from_seconds = -90, .to_seconds = -60})),
      "ClientCertExpired");
  EXPECT_EQ(world.failure(world.root.issue({.name = "new", .from_seconds = 60})),
            "ClientCertNotYetValid");
  EXPECT_EQ(world.failure(world.root.issue({.name = "server", .purpose = "serverAuth"})),
            "ClientCertPurposeInvalid");
  EXPECT_EQ(world.failure(world.root.issue({.name = "sha1", .digest = EVP_sha1()})),
            "ClientCertTypeUnsupported");
  EXPECT_EQ(world.failure(world.root.issue({.name = std::string(60, 'x'), .rsa_bits = 1024})),
            "ClientCertTypeUnsupported");
}

TEST(MutualTls, ExpiryCanBeIgnored) {
  World world;
  world.mutual.ignore_expiry = true;
  EXPECT_EQ(
      world.failure(world.root.issue({.name = "old", .from_seconds = -90, .to_seconds = -60})), "");
  EXPECT_EQ(world.failure(world.root.issue({.name = "new", .from_seconds = 60})),
            "ClientCertNotYetValid");
  EXPECT_EQ(world.failure(Authority("other").issue({.name = "x"})), "ClientCertUntrusted");
}

TEST(MutualTls, ChainsUpToALength) {
  World world;
  std::vector<std::unique_ptr<Authority>> line;
  std::string above;
  const Authority* issuer = &world.root;
  for (int i = 1; i <= 6; ++i) {
    line.push_back(std::make_unique<Authority>(
        Wish{.name = fmt::format("ca {}", i), .serial = i, .authority = true}, *issuer));
    issuer = line.back().get();
    above = issuer->pem() + above;
    Certificate leaf = issuer->issue({.name = "client"});
    const std::string alone = leaf.chain_pem;
    leaf.chain_pem += above;
    EXPECT_EQ(world.failure(leaf), i <= 4 ? "" : "ClientCertMaxChainDepthExceeded") << i;
    if (i != 1) continue;
    leaf.chain_pem = alone;
    EXPECT_EQ(world.failure(leaf), "ClientCertUntrusted") << "its issuer is not known";
    World other;
    other.mutual.authorities_pem = issuer->pem();
    EXPECT_EQ(other.failure(leaf), "") << "an intermediate authority is trusted by itself";
  }
}

TEST(MutualTls, RevokedOnesStayOut) {
  World world;
  const Certificate good = world.root.issue({.name = "good", .serial = 7});
  const Certificate bad = world.root.issue({.name = "bad", .serial = 8});
  world.mutual.revoked = {world.root.revoke({8, 9})};
  EXPECT_EQ(world.failure(good), "");
  EXPECT_EQ(world.failure(bad), "ClientCertCrlHit");
  // Nobody but the authority revokes; and one that has revoked nothing needs no list.
  world.mutual.revoked = {world.stranger.revoke({7})};
  EXPECT_EQ(world.failure(good), "ClientCertCrlProcessingError");
  world.mutual.revoked = {Authority("other").revoke({7})};
  EXPECT_EQ(world.failure(good), "");
  world.mutual.revoked = {world.root.revoke({8}, -60)};
  EXPECT_EQ(world.failure(good), "ClientCertCrlProcessingError") << "out of date";
}

TEST(MutualTls, WhatIsNoTrustStoreIsRefused) {
  World world;
  for (const char* text : {"", "rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n"}) {
    world.mutual.authorities_pem = text;
    const auto opened = TlsContexts::open(world.tls, false, world.mutual);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "trust-store-invalid");
  }
}

struct Balanced : TestBalancer {
  explicit Balanced(World& of) : world(of) {
    listener().protocol = Protocol::https;
    listener().tls = world.tls;
    listener().mutual_tls = world.mutual;
  }
  // What the target got; empty: the client was not let in.
  std::string ask(const Certificate* shown, SSL_SESSION* session = nullptr) {
    TlsClient talk(client(), "default.test", TLS1_2_VERSION, session, nullptr, false, shown);
    if (!talk.connected) return "";
    talk.try_send(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Amzn-Mtls-Clientcert-Subject: CN=forged\r\n"
        "x_amzn_mtls_clientcert: forged\r\nX-Mine: kept\r\n\r\n");
    const std::string head = talk.read_head();
    const std::size_t size = head.find("Content-Length: ");
    if (size == std::string::npos) return "";
    return talk.read(static_cast<std::size_t>(std::stoi(head.substr(size + 16))));
  }
  World& world;
};

TestTarget::Script echoes() {
  return [](Socket& socket) {
    while (true) {
      const Message request = read_message(socket);
      if (request.head.empty()) return;
      socket.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
                              request.head.size(), request.head));
    }
  };
}

std::string field(const std::string& head, std::string_view name) {
  return Message{.head = head, .body = ""}.field(name);
}

TEST(MutualTls, TargetsAreToldAndClientsCannotForgeIt) {
  World world;
  TestTarget target(echoes());
  Balanced balancer(world);
  balancer.add_target(target);
  balancer.apply();
  const Certificate client = world.root.issue({.name = "client, the first"});
  std::string seen = balancer.ask(&client);
  EXPECT_EQ(field(seen, "X-Amzn-Mtls-Clientcert-Subject"), "CN=client\\, the first,O=mTLS");
  EXPECT_EQ(field(seen, "X-Amzn-Mtls-Clientcert-Serial-Number"), "03A5B1");
  EXPECT_EQ(field(seen, "X-Amzn-Mtls-Clientcert-Issuer"), "CN=root,O=mTLS");
  EXPECT_TRUE(field(seen, "X-Amzn-Mtls-Clientcert-Leaf").starts_with("-----BEGIN%20"));
  EXPECT_TRUE(field(seen, "X-Amzn-Mtls-Clientcert-Validity").starts_with("NotBefore="));
  EXPECT_EQ(seen.find("forged"), std::string::npos) << seen;
  EXPECT_EQ(field(seen, "X-Mine"), "kept");
  EXPECT_EQ(balancer.ask(nullptr), "");

  // Nor does a session of the time before open the door.
  balancer.listener().mutual_tls = {};
  balancer.apply();
  TlsClient before(balancer.client(), "default.test", TLS1_2_VERSION);
  ASSERT_TRUE(before.connected);
  SSL_SESSION* session = before.session();
  EXPECT_NE(balancer.ask(nullptr, session).find("forged"), std::string::npos);
  balancer.listener().mutual_tls = world.mutual;
  balancer.listener().request_header_names.certificate_subject = "X-Who";
  balancer.apply();
  EXPECT_EQ(balancer.ask(nullptr, session), "");
  SSL_SESSION_free(session);
  seen = balancer.ask(&client);
  EXPECT_EQ(field(seen, "X-Who"), "CN=client\\, the first,O=mTLS");

  // Passed through: nobody is refused, and whoever shows something is told in full.
  balancer.listener().mutual_tls = {.mode = ClientCertificates::passthrough};
  balancer.listener().request_header_names = {};
  balancer.apply();
  seen = balancer.ask(nullptr);
  EXPECT_EQ(field(seen, "X-Mine"), "kept");
  EXPECT_EQ(field(seen, "X-Amzn-Mtls-Clientcert"), "");
  EXPECT_EQ(seen.find("forged"), std::string::npos);
  Certificate unknown = Authority("nobody").issue({.name = "x", .to_seconds = -60});
  unknown.chain_pem += world.root.pem();
  seen = balancer.ask(&unknown);
  const std::string chain = field(seen, "X-Amzn-Mtls-Clientcert");
  EXPECT_TRUE(chain.starts_with("-----BEGIN%20CERTIFICATE-----%0A")) << seen;
  EXPECT_NE(chain.find("-----END%20CERTIFICATE-----%0A-----BEGIN%20"), std::string::npos);
  EXPECT_EQ(field(seen, "X-Amzn-Mtls-Clientcert-Subject"), "");
}

TEST(MutualTls, AuthoritiesAreNamedWhenAsked) {
  World world;
  Balanced balancer(world);
  balancer.apply();
  const Certificate client = world.root.issue({.name = "client"});
  const auto named = [&] {
    TlsClient talk(balancer.client(), "default.test", TLS1_2_VERSION, nullptr, nullptr, false,
                   &client);
    EXPECT_TRUE(talk.connected);
    return talk.authorities();
  };
  EXPECT_TRUE(named().empty());
  balancer.listener().mutual_tls.advertise_authorities = true;
  balancer.apply();
  EXPECT_EQ(named(), std::vector<std::string>{"root"});
}

}  // namespace
}  // namespace landfall::proxy::testing
