// From records to packets. Needs root; own tag and pool, removed afterwards.
#include "services/ec2/controller/controller.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "host/dns/server.h"
#include "host/network/namespaces.h"
#include "io/files.h"
#include "io/net.h"
#include "services/ec2/defaults.h"
#include "services/ec2/network_port.h"

namespace landfall::ec2 {
namespace {

constexpr Millis kPatience{3000};
constexpr Millis kSilence{150};
const Scope kScope{"123456789012", "us-west-1"};

// One run of `serve`, as far as networks go.
struct Process {
  Process(io::Loop& loop, const std::filesystem::path& folder, Cidr pool)
      : store(std::move(*store::open_sqlite(loop, clock, {folder / "state.db"}))),
        network(loop, *host::instance_for(folder), {pool}),
        dns(loop, {}),
        ec2(loop, *store, clock, random, pool),
        controller(ec2, network, dns, {.hosts_file = (folder / "hosts").string()}),
        port(ec2, network, controller) {}
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<store::Store> store;
  host::network::Network network;
  host::dns::Server dns;
  Ec2 ec2;
  VpcController controller;
  NetworkPort port;
};

class Ec2Controller : public ::testing::Test {
 public:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "makes network namespaces: run as root";
    std::string pattern = "/tmp/landfall-ec2-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    ASSERT_TRUE(io::write_file(folder / "hosts", "127.0.0.1 localhost\n"));
    pool = {{198u << 24 | 19u << 16 | (unsigned(::getpid()) & 0xff) << 8}, 24};
    process.emplace(loop, folder, pool);
  }
  void TearDown() override {
    if (folder.empty()) return;
    loop.run([](Ec2Controller& t) -> task<void> {
      auto removed = co_await t.process->network.remove_all();
      EXPECT_TRUE(removed) << removed.error().message;
    }(*this));
    const auto left =
        host::network::list_namespaces(process->network.instance().namespace_name(""));
    EXPECT_TRUE(left.empty());
    process.reset();
    std::filesystem::remove_all(folder);
  }
  void run(task<void> (*body)(Ec2Controller&)) {
    loop.run([](Ec2Controller& t, task<void> (*work)(Ec2Controller&)) -> task<void> {
      t.process->controller.start();
      co_await work(t);
      co_await t.process->controller.stop();
    }(*this, body));
  }
  task<std::optional<Interface>> interface(std::string owner, bool public_address) {
    auto vpc = co_await process->port.default_vpc(kScope);
    EXPECT_TRUE(vpc) << vpc.error().message;
    InterfaceRequest request{.scope = kScope, .owner = owner};
    request.subnet_id = process->port.subnets_of(kScope, vpc->id).at(0).id;
    request.public_address = public_address;
    auto made = co_await process->port.allocate_interface(request);
    EXPECT_TRUE(made) << made.error().message;
    if (!made) co_return std::nullopt;
    auto ready = co_await process->port.wait_ready(kScope, made->id, kPatience);
    EXPECT_TRUE(ready) << ready.error().message;
    if (!ready) co_return std::nullopt;
    co_return *ready;
  }
  task<void> allow(std::string group, std::string cidr, int port) {
    const Tables tables = process->ec2.tables(kScope);
    auto row = tables.security_groups.get(group);
    SecurityRuleRecord rule;
    rule.id = "sgr-1";
    rule.protocol = "tcp";
    rule.from_port = rule.to_port = port;
    rule.cidr = cidr;
    row->value.rules.push_back(rule);
    store::Transaction change{{}, {tables.security_groups.put(group, row->value)}};
    co_await commit(process->ec2, std::move(change));
  }
  // What a commit leads to comes a moment after it.
  task<bool> eventually(std::function<bool()> holds) {
    for (int i = 0; i < 600; ++i) {
      if (holds()) co_return true;
      co_await loop.sleep_for(Millis(5));
    }
    co_return false;
  }
  task<bool> becomes_silent(std::string to, std::uint16_t port) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      if (!co_await connects(to, port, "", kSilence)) co_return true;
    }
    co_return false;
  }
  task<bool> connects(std::string to, std::uint16_t port, std::string from, Millis timeout) {
    auto stream = co_await io::connect(loop, {to, port}, timeout, std::move(from));
    co_return stream.has_value();
  }

  std::filesystem::path folder;
  Cidr pool;
  io::Loop loop;
  std::optional<Process> process;
};

TEST_F(Ec2Controller, APublicInterfaceAnswersWhereARuleLetsIt) {
  run([](Ec2Controller& t) -> task<void> {
    auto eni = co_await t.interface("test:one", true);
    if (!eni) co_return;
    EXPECT_TRUE(eni->public_address && t.pool.contains(*eni->public_address));
    auto again = co_await t.interface("test:one", true);
    EXPECT_EQ(again->id, eni->id) << "one owner, one interface";
    auto server = io::TcpListener::listen(t.loop, {"0.0.0.0", 8000}, eni->namespace_path);
    EXPECT_TRUE(server);
    const std::string address = eni->public_address->str();
    EXPECT_FALSE(co_await t.connects(address, 8000, "", kSilence));
    const Peer host{"", t.process->network.host_address()}, target{eni->id, {}};
    Reachability answer = t.process->port.reachability(kScope, host, target, "tcp", 8000);
    EXPECT_EQ(answer.reason, "no-ingress-rule");
    EXPECT_EQ(answer.remedy,
              fmt::format("aws ec2 authorize-security-group-ingress --group-id {} --protocol tcp "
                          "--port 8000 --cidr {}/32",
                          eni->security_group_ids[0], host.address.str()));
    co_await t.allow(eni->security_group_ids[0], "0.0.0.0/0", 8000);
    EXPECT_TRUE(co_await t.connects(address, 8000, "", kPatience));
    EXPECT_TRUE(t.process->port.reachability(kScope, host, target, "tcp", 8000).allowed);

    EXPECT_TRUE(co_await t.process->port.set_public_address(kScope, eni->id, false));
    EXPECT_TRUE(co_await t.becomes_silent(address, 8000));
    EXPECT_EQ(t.process->port.reachability(kScope, host, target, "tcp", 8000).reason,
              "no-public-address");
  });
}

TEST_F(Ec2Controller, NamesAndListenersInside) {
  run([](Ec2Controller& t) -> task<void> {
    std::vector<std::string> started, stopped;
    t.process->port.add_listener(
        {"probe",
         [&](const std::string& vpc, const std::string&) -> Result<void> {
           return started.push_back(vpc), Result<void>();
         },
         [&](const std::string& vpc, const std::string&) { stopped.push_back(vpc); }});
    auto eni = co_await t.interface("test:one", true);
    if (!eni) co_return;
    EXPECT_EQ(started, std::vector{eni->vpc_id});
    DnsName name{kScope,      "DB.us-west-1.rds.test", "rds:db/one",
                 eni->vpc_id, {eni->private_address},  {*eni->public_address}};
    EXPECT_TRUE(co_await t.process->port.register_name(name));
    const std::string line = eni->public_address->str() + " db.us-west-1.rds.test\n";
    EXPECT_TRUE(co_await t.eventually(
        [&] { return io::read_file(t.folder / "hosts")->find(line) != std::string::npos; }));

    auto socket = io::UdpSocket::bind(t.loop, {"0.0.0.0", 0}, eni->namespace_path);
    std::string question("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
    question += std::string(
        "\x02"
        "db\x09us-west-1\x03rds\x04test\x00\x00\x01\x00\x01",
        27);
    co_await socket->send({question, {eni->dns_server.str(), 53}});
    auto reply = co_await io::with_timeout(t.loop, kPatience, socket->receive());
    EXPECT_TRUE(reply) << reply.error().message;
    const std::uint32_t value = eni->private_address.value;
    if (reply) {
      EXPECT_TRUE(reply->bytes.ends_with(
          std::string{char(value >> 24), char(value >> 16), char(value >> 8), char(value)}));
    }
    EXPECT_TRUE(co_await t.process->port.unregister_names(kScope, "rds:db/one"));
    EXPECT_TRUE(co_await t.eventually(
        [&] { return io::read_file(t.folder / "hosts")->find(line) == std::string::npos; }));
    co_await t.process->controller.stop();
    EXPECT_EQ(stopped, started);
  });
}

TEST_F(Ec2Controller, ARestartAdoptsWhatIsWantedAndRemovesTheRest) {
  run([](Ec2Controller& t) -> task<void> {
    auto kept = co_await t.interface("test:kept", true);
    auto gone = co_await t.interface("test:gone", true);
    if (!kept || !gone) co_return;
    co_await t.allow(kept->security_group_ids[0], "0.0.0.0/0", 80);
    auto server = io::TcpListener::listen(t.loop, {"0.0.0.0", 80}, kept->namespace_path);
    const std::string address = kept->public_address->str();
    EXPECT_TRUE(co_await t.connects(address, 80, "", kPatience));
    co_await t.process->controller.stop();

    // While nobody looks, one interface is deleted.
    EXPECT_TRUE(co_await t.process->port.delete_interface(kScope, gone->id));
    EXPECT_TRUE(co_await t.connects(address, 80, "", kPatience))
        << "traffic does not need the process";
    t.process.emplace(t.loop, t.folder, t.pool);
    t.process->controller.start();
    EXPECT_TRUE(co_await t.process->port.wait_ready(kScope, kept->id, kPatience));
    EXPECT_TRUE(co_await t.eventually([&] {
      return t.process->network.observe().interfaces == std::set<std::string>{kept->id};
    }));
    EXPECT_TRUE(co_await t.connects(address, 80, "", kPatience));
    EXPECT_FALSE(co_await t.process->port.wait_ready(kScope, gone->id, kPatience));
  });
}

}  // namespace
}  // namespace landfall::ec2
