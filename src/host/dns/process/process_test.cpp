#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "host/dns/process/run.h"
#include "host/dns/process/snapshot.h"
#include "io/termination.h"
#include "store/testing.h"

namespace landfall::host::dns {
namespace {

const Ipv4 kLocal{0x7f000001};

Snapshot sample() {
  Snapshot out{.revision = 7};
  out.names["db.example"] = {"vpc-1", {*Ipv4::parse("10.0.1.5")}, {*Ipv4::parse("198.18.0.5")}};
  Zone zone{"Z1", "example.test", {"vpc-1"}, {}};
  // RDATA is any bytes.
  zone.records["a.example.test"][kTypeA] = {
      {.ttl_s = 60, .data = {std::string("\x0a\xff\x00\x80", 4)}, .weighted = true, .weight = 3},
      {.alias = "db.example", .all = true}};
  out.zones = {zone};
  out.views["vpc-1"] = {{.vpc_id = "vpc-1",
                         .blocks = {*Cidr::parse("10.0.0.0/16")},
                         .internal_domain = "us-west-1.compute.internal",
                         .api = kLocal,
                         .hostnames = false,
                         .own_names = {{"*.s3.example", {*Ipv4::parse("10.0.9.9")}}}},
                        "",
                        {kLocal}};
  return out;
}

TEST(DnsSnapshot, SaysAllAgain) {
  const Snapshot given = sample();
  const auto read = snapshot_from(to_text(given));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->revision, given.revision);
  EXPECT_EQ(read->names, given.names);
  EXPECT_EQ(read->zones, given.zones);
  EXPECT_EQ(read->views, given.views);
  EXPECT_FALSE(snapshot_from("{\"revision\": 1"));
  EXPECT_FALSE(snapshot_from(R"({"views": [{"vpc_id": "vpc-1", "addresses": ["not one"]}]})"));
}

std::string question(std::string name) {
  std::string out("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  return out + encode_name(name) + std::string("\x00\x01\x00\x01", 4);
}

task<std::string> ask(io::Loop& loop, std::uint16_t port, std::string name) {
  auto socket = io::UdpSocket::bind(loop, {"127.0.0.1", 0});
  co_await socket->send({question(std::move(name)), {"127.0.0.1", port}});
  auto reply = co_await io::with_timeout(loop, Millis(5000), socket->receive());
  co_return reply ? reply->bytes : "";
}

task<State> state_of(io::Loop& loop, std::filesystem::path folder, std::int64_t revision) {
  for (int i = 0; i < 10000; ++i) {
    auto state = read_state(folder);
    if (state && state->revision >= revision) co_return *state;
    co_await loop.sleep_for(Millis(2));
  }
  co_return State{};
}

task<void> run_it(io::Loop& loop, ProcessOptions options) {
  const auto ended = co_await run_process(loop, std::move(options));
  EXPECT_TRUE(ended) << ended.error().message;
}

task<void> follow(io::Loop& loop, std::filesystem::path folder, std::uint16_t port) {
  io::TaskScope scope(loop);
  Snapshot snapshot = sample();
  EXPECT_TRUE(write_snapshot(folder, to_text(snapshot)));
  scope.spawn("process", run_it(loop, {.folder = folder, .port = port}));
  State state = co_await state_of(loop, folder, 7);
  EXPECT_EQ(state.pid, ::getpid());
  EXPECT_TRUE(state.problems.empty());
  EXPECT_TRUE(
      (co_await ask(loop, port, "db.example")).ends_with(std::string("\x0a\x00\x01\x05", 4)));

  // A file that makes no sense changes nothing; the next that does is taken.
  EXPECT_TRUE(write_snapshot(folder, "{"));
  snapshot.revision = 8;
  snapshot.names["db.example"].inside = {*Ipv4::parse("10.0.1.6")};
  snapshot.views["vpc-2"] = {{.vpc_id = "vpc-2"}, "/nowhere/namespace", {kLocal}};
  EXPECT_TRUE(write_snapshot(folder, to_text(snapshot)));
  state = co_await state_of(loop, folder, 8);
  EXPECT_TRUE(
      (co_await ask(loop, port, "db.example")).ends_with(std::string("\x0a\x00\x01\x06", 4)));
  // One that fails does not keep the others from being answered.
  EXPECT_EQ(state.problems.size(), 1u);
  EXPECT_TRUE(state.problems.contains("vpc-2"));

  // Without its folder it has nobody to answer for.
  std::filesystem::remove_all(folder);
  co_await scope.join();
}

TEST(DnsProcess, FollowsItsSnapshot) {
  store::TemporaryFolder folder;
  io::Loop loop;
  io::catch_termination(loop);
  std::filesystem::create_directories(folder.path() / "dns");
  loop.run(follow(loop, folder.path() / "dns", std::uint16_t(21053 + ::getpid() % 20000)));
}

task<void> succeed(io::Loop& loop, std::uint16_t port) {
  const Snapshot snapshot = sample();
  Server first(loop, {.port = port}), second(loop, {.port = port});
  for (Server* server : {&first, &second}) {
    co_await server->set_names(snapshot.names);
    const auto opened = co_await server->open(snapshot.views.at("vpc-1").view, "", {kLocal}, false);
    EXPECT_TRUE(opened) << opened.error().message;
    EXPECT_FALSE((co_await ask(loop, port, "db.example")).empty());
    if (server == &second) co_await first.stop();
  }
  EXPECT_FALSE((co_await ask(loop, port, "db.example")).empty());
  co_await second.stop();
}

TEST(DnsProcess, ASuccessorOpensBesideIt) {
  io::Loop loop;
  loop.run(succeed(loop, std::uint16_t(22053 + ::getpid() % 20000)));
}

}  // namespace
}  // namespace landfall::host::dns
