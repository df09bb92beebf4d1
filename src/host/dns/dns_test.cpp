#include <gtest/gtest.h>

#include "host/dns/names.h"
#include "host/dns/server.h"

namespace landfall::host::dns {
namespace {

Ipv4 ip(std::string_view text) { return *Ipv4::parse(text); }

std::string question(std::string_view name, std::uint16_t type = kTypeA,
                     std::uint16_t id = 0x1234) {
  std::string out = {char(id >> 8), char(id & 255), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  while (!name.empty()) {
    const auto dot = std::min(name.find('.'), name.size());
    out += char(dot);
    out += name.substr(0, dot);
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  out += '\0';
  return out + std::string{char(type >> 8), char(type & 255), 0, 1};
}

View view() {
  return {
      "vpc-1", {*Cidr::parse("10.0.0.0/16")}, "us-west-1.compute.internal", ip("169.254.170.10")};
}

NameTable names() {
  return {
      {"db.example.us-west-1.rds.amazonaws.com", {"vpc-1", {ip("10.0.1.5")}, {ip("198.18.0.5")}}},
      {"private.us-west-1.rds.amazonaws.com", {"vpc-1", {ip("10.0.1.6")}, {}}}};
}

// "" for a name that does not exist, "nothing" for one without such a record, "forward".
std::string look_up(std::string_view name, View from = view(), std::uint16_t type = kTypeA) {
  const auto query = parse_query(question(name, type));
  EXPECT_TRUE(query);
  const Resolution found = resolve(names(), from, *query);
  if (found.kind == Resolution::Kind::forward) return "forward";
  if (found.code == Code::no_such_name) return "";
  if (found.records.empty()) return "nothing";
  return found.records[0].type == kTypeA ? found.records[0].address.str() : found.records[0].target;
}

TEST(DnsNames, InsideAndOutside) {
  const std::string name = "DB.example.us-west-1.rds.amazonaws.com";
  EXPECT_EQ(look_up(name), "10.0.1.5");
  View other = view();
  other.vpc_id = "vpc-2";
  EXPECT_EQ(look_up(name, other), "198.18.0.5");
  EXPECT_EQ(look_up("private.us-west-1.rds.amazonaws.com", other), "10.0.1.6");
  EXPECT_EQ(look_up(name, view(), kTypeAaaa), "nothing");
  EXPECT_EQ(look_up("gone.example.us-west-1.rds.amazonaws.com"), "");
}

TEST(DnsNames, Interfaces) {
  EXPECT_EQ(look_up("ip-10-0-1-9.us-west-1.compute.internal"), "10.0.1.9");
  EXPECT_EQ(look_up("ip-10-9-1-9.us-west-1.compute.internal"), "");
  EXPECT_EQ(look_up("ec2-198-18-0-8.us-west-1.compute.amazonaws.com"), "");
  EXPECT_EQ(look_up("9.1.0.10.in-addr.arpa", view(), kTypePtr),
            "ip-10-0-1-9.us-west-1.compute.internal");
  EXPECT_EQ(look_up("9.1.0.11.in-addr.arpa", view(), kTypePtr), "forward");
}

TEST(DnsNames, WithoutHostNames) {
  View bare = view();
  bare.hostnames = false;
  EXPECT_EQ(look_up("ip-10-0-1-9.us-west-1.compute.internal", bare), "");
  EXPECT_EQ(look_up("9.1.0.10.in-addr.arpa", bare, kTypePtr), "");
  EXPECT_EQ(look_up("db.example.us-west-1.rds.amazonaws.com", bare), "10.0.1.5");
  EXPECT_EQ(look_up("example.com", bare), "forward");
}

TEST(DnsNames, AVpcsOwnNames) {
  View own = view();
  own.own_names["logs.us-west-1.amazonaws.com"] = {ip("10.0.1.20"), ip("10.0.2.20")};
  EXPECT_EQ(look_up("logs.us-west-1.amazonaws.com", own), "10.0.1.20");
  EXPECT_EQ(look_up("LOGS.us-west-1.amazonaws.com"), "169.254.170.10");
  EXPECT_EQ(look_up("public-keys.auth.elb.us-west-1.amazonaws.com"), "169.254.170.10");
  auto query = *parse_query(question("logs.us-west-1.amazonaws.com", kTypeA, 0x1235));
  EXPECT_EQ(resolve({}, own, query).records[0].address, ip("10.0.2.20")) << "they take turns";
}

TEST(DnsNames, EndpointsMeanLandfall) {
  for (const char* name :
       {"sts.us-west-1.amazonaws.com", "sts.amazonaws.com", "rds.us-west-1.amazonaws.com",
        "123456789012.dkr.ecr.us-west-1.amazonaws.com", "bucket.s3.us-west-1.amazonaws.com",
        "api.landfall.test", "landfall.test", "ecs.us-west-1.api.aws"}) {
    EXPECT_EQ(look_up(name), "169.254.170.10") << name;
  }
  EXPECT_EQ(look_up("example.com"), "forward");
  EXPECT_EQ(look_up("notamazonaws.com"), "forward");
}

TEST(DnsMessage, WhatDoesNotFitIsTruncated) {
  const Query query = *parse_query(question("a.test"));
  const std::vector<Record> many(100);
  const std::string reply = encode_answer(query, Code::ok, many, 512);
  EXPECT_LE(reply.size(), 512u);
  EXPECT_TRUE(reply[2] & 2);
  EXPECT_FALSE(encode_answer(query, Code::ok, many, 65535)[2] & 2);
}

TEST(DnsMessage, MalformedQuestions) {
  const std::string good = question("db.test");
  for (std::size_t size = 12; size < good.size(); ++size) {
    EXPECT_TRUE(parse_query(good.substr(0, size))->question.empty()) << size;
  }
  EXPECT_FALSE(parse_query(good.substr(0, 11)));
  std::string answer = good;
  answer[2] = char(0x81);
  EXPECT_FALSE(parse_query(answer)) << "an answer is not a question";
}

TEST(DnsServer, ResolvConf) {
  const auto found = upstreams_of(
      "# nameserver 1.1.1.1\nnameserver  10.0.0.1 \n\tnameserver ::1 # x\nsearch a\nnameserverx "
      "1.2.3.4\n");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].address, "10.0.0.1");
  EXPECT_EQ(found[1].address, "::1");
}

task<std::string> ask(io::Loop& loop, std::uint16_t port, std::string message) {
  auto socket = io::UdpSocket::bind(loop, {"127.0.0.1", 0});
  co_await socket->send({std::move(message), {"127.0.0.1", port}});
  auto reply = co_await io::with_timeout(loop, Millis(3000), socket->receive());
  co_return reply ? reply->bytes : "";
}

TEST(DnsServer, AnswersForwardsAndGivesUp) {
  io::Loop loop;
  loop.run([](io::Loop& loop) -> task<void> {
    auto upstream = io::UdpSocket::bind(loop, {"127.0.0.1", 0});
    const std::uint16_t port = 20053 + std::uint16_t(::getpid() % 20000);
    Server server(
        loop, {.upstreams = {upstream->local()}, .upstream_timeout = Millis(100), .port = port});
    co_await server.set_names(names());
    const auto opened = co_await server.open(view(), "", {ip("127.0.0.1")}, false);
    EXPECT_TRUE(opened) << opened.error().message;
    if (!opened) co_return;

    std::string reply = co_await ask(loop, port, question("private.us-west-1.rds.amazonaws.com"));
    EXPECT_TRUE(reply.ends_with(std::string("\x0a\x00\x01\x06", 4)));

    // Nobody upstream answers: a failure, not silence.
    reply = co_await ask(loop, port, question("example.com"));
    EXPECT_EQ(reply.size() > 3 ? reply[3] & 15 : -1, 2);
    co_await upstream->receive();

    io::TaskScope scope(loop);
    scope.spawn("upstream", [](io::UdpSocket& socket) -> task<void> {
      auto asked = co_await socket.receive();
      asked->bytes[2] = char(asked->bytes[2] | 0x80);
      co_await socket.send({asked->bytes + "forwarded", asked->peer});
    }(*upstream));
    EXPECT_TRUE((co_await ask(loop, port, question("example.com"))).ends_with("forwarded"));
    co_await scope.join();

    // By TCP, twice on one connection.
    auto stream = co_await io::connect(loop, {"127.0.0.1", port}, Millis(1000));
    for (int i = 0; i < 2 && stream; ++i) {
      const std::string message = question("sts.amazonaws.com");
      co_await stream->write_all(std::string{0, char(message.size())} + message);
      std::string got;
      char buffer[512];
      while (got.size() < 2 || got.size() < 2u + static_cast<unsigned char>(got[1])) {
        const auto count = co_await stream->read_some(buffer);
        if (!count || *count == 0) break;
        got.append(buffer, *count);
      }
      EXPECT_TRUE(got.ends_with("\xa9\xfe\xaa\x0a"));
    }
    co_await server.stop();
  }(loop));
}

}  // namespace
}  // namespace landfall::host::dns
