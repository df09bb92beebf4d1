// Real namespaces, real packets. Needs root; every test has its own tag and pool and removes all it
// made.
#include "host/network/network.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "host/network/namespaces.h"
#include "io/net.h"
#include "io/process.h"

namespace landfall::host::network {
namespace {

Cidr cidr(std::string_view text) { return *Cidr::parse(text); }
Ipv4 ip(std::string_view text) { return *Ipv4::parse(text); }

constexpr Millis kPatience{2000};
constexpr Millis kSilence{150};  // that nothing comes back within this is what the firewall is for

const ExternalRoute kToInternet{{}, Cidr{{}, 0}.last(), {}, ""};
const TrafficRule kAnything{-1, -1, -1, Cidr{{}, 0}, ""};
TrafficRule tcp_from(std::string_view block, int port) { return {6, port, port, cidr(block), ""}; }

class NetworkTest : public ::testing::Test {
 public:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "makes network namespaces: run as root";
    std::string pattern = "/tmp/landfall-network-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    instance_ = *instance_for(folder_);
    // Pools of tests that run at the same time must not meet.
    options_.public_pool = {{198u << 24 | 19u << 16 | (unsigned(::getpid()) & 0xff) << 8}, 24};
    network_.emplace(loop_, instance_, options_);
  }
  void TearDown() override {
    if (!network_) return;
    run([](NetworkTest& test) -> task<void> {
      auto removed = co_await test.network_->remove_all();
      EXPECT_TRUE(removed) << removed.error().message;
    });
    EXPECT_EQ(list_namespaces(instance_.namespace_name("")), std::vector<std::string>());
    const NamespaceState host = *look_into("");
    EXPECT_FALSE(host.devices.contains("lf-" + instance_.tag));
    for (const Route& route : host.routes) EXPECT_NE(route.destination, options_.public_pool);
    std::filesystem::remove_all(folder_);
  }

  void run(task<void> (*body)(NetworkTest&)) { loop_.run(body(*this)); }

  Ipv4 public_address(std::uint32_t n) const { return options_.public_pool.base + n; }
  std::string host_text() const { return network_->host_address().str(); }

  // A VPC with a public subnet, one group, and `count` interfaces 10.0.1.10, .11 ... with public
  // addresses.
  VpcSpec vpc(unsigned number, unsigned count) const {
    VpcSpec out{.id = fmt::format("vpc-{:014x}000", number), .blocks = {cidr("10.0.0.0/16")}};
    out.subnets = {{"subnet-1", cidr("10.0.1.0/24"), {kToInternet}, ""}};
    out.groups = {{"sg-1", {}, {kAnything}}};
    for (unsigned i = 0; i < count; ++i) {
      out.interfaces.push_back({fmt::format("eni-{:07x}{:07x}000", number, i),
                                "subnet-1",
                                ip("10.0.1.10") + i,
                                fmt::format("02:00:00:00:{:02x}:{:02x}", number, i),
                                public_address(number * 64 + 10 + i),
                                {"sg-1"}});
    }
    return out;
  }
  std::string inside(const VpcSpec& vpc, std::size_t interface) const {
    return network_->interface_namespace(vpc.interfaces[interface].id);
  }

  task<void> converge(VpcSpec wanted) {
    auto done = co_await network_->converge(std::move(wanted));
    EXPECT_TRUE(done) << done.error().message;
    if (done) {
      for (const auto& [id, error] : done->failed) ADD_FAILURE() << id << ": " << error.message;
    }
  }

  io::TcpListener listen(const std::string& namespace_path, std::uint16_t port) {
    auto listener = io::TcpListener::listen(loop_, {"0.0.0.0", port}, namespace_path);
    EXPECT_TRUE(listener) << listener.error().message;
    return std::move(*listener);
  }
  task<bool> connects(Ipv4 to, std::uint16_t port, std::string from, Millis timeout) {
    auto stream = co_await io::connect(loop_, {to.str(), port}, timeout, std::move(from));
    co_return stream.has_value();
  }

  std::filesystem::path folder_;
  Instance instance_;
  NetworkOptions options_;
  io::Loop loop_;
  std::optional<Network> network_;
};

TEST_F(NetworkTest, ARuleOpensAPortAndItsRevocationClosesIt) {
  run([](NetworkTest& t) -> task<void> {
    VpcSpec vpc = t.vpc(1, 1);
    const Ipv4 address = *vpc.interfaces[0].public_address;
    co_await t.converge(vpc);
    io::TcpListener server = t.listen(t.inside(vpc, 0), 8000);
    EXPECT_FALSE(co_await t.connects(address, 8000, "", kSilence));

    vpc.groups[0].ingress = {tcp_from("0.0.0.0/0", 8000)};
    co_await t.converge(vpc);
    auto client = co_await io::connect(t.loop_, {address.str(), 8000}, kPatience);
    EXPECT_TRUE(client) << client.error().message;
    if (!client) co_return;
    auto accepted = co_await server.accept();
    EXPECT_EQ(accepted->remote().address, t.host_text()) << "the client's address is preserved";
    EXPECT_FALSE(co_await t.connects(address, 8001, "", kSilence));
    co_await client->write_all("x");
    char byte = 0;
    EXPECT_EQ((co_await accepted->read_some({&byte, 1})).value_or(0), 1u)
        << "open connection works";

    vpc.groups[0].ingress.clear();
    co_await t.converge(vpc);
    EXPECT_FALSE(co_await t.connects(address, 8000, "", kSilence));
    co_await client->write_all("y");
    auto silent = co_await io::with_timeout(t.loop_, kSilence, accepted->read_some({&byte, 1}));
    EXPECT_FALSE(silent) << "an open connection stops too";
  });
}

// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
TEST_F(NetworkTest, AConnectionFromParticularPeersOutlivesItsRule) {
  run([](NetworkTest& t) -> task<void> {
    VpcSpec vpc = t.vpc(1, 2);
    vpc.groups[0].ingress = {tcp_from("10.0.1.11/32", 80)};
    co_await t.converge(vpc);
    io::TcpListener server = t.listen(t.inside(vpc, 0), 80);
    auto client = co_await io::connect(t.loop_, {"10.0.1.10", 80}, kPatience, t.inside(vpc, 1));
    EXPECT_TRUE(client) << client.error().message;
    if (!client) co_return;
    auto accepted = co_await server.accept();
    vpc.groups[0].ingress.clear();
    co_await t.converge(vpc);
    EXPECT_FALSE(co_await t.connects(ip("10.0.1.10"), 80, t.inside(vpc, 1), kSilence));
    co_await client->write_all("x");
    char byte = 0;
    auto read = co_await io::with_timeout(t.loop_, kPatience, accepted->read_some({&byte, 1}));
    EXPECT_EQ(read.value_or(0), 1u);
  });
}

TEST_F(NetworkTest, AccessListsJudgeAnswersToo) {
  run([](NetworkTest& t) -> task<void> {
    const AclRule all{true, -1, -1, -1, Cidr{{}, 0}};
    VpcSpec vpc = t.vpc(1, 3);
    vpc.groups[0].ingress = {kAnything};
    vpc.subnets.push_back({"subnet-2", cidr("10.0.2.0/24"), {}, "acl-2"});
    vpc.interfaces[2].subnet_id = "subnet-2";
    vpc.interfaces[2].address = ip("10.0.2.10");
    vpc.interfaces[2].public_address = {};
    vpc.acls = {{"acl-2", {all}, {all}}};
    co_await t.converge(vpc);
    io::TcpListener near = t.listen(t.inside(vpc, 0), 80), far = t.listen(t.inside(vpc, 2), 80);
    EXPECT_TRUE(co_await t.connects(ip("10.0.2.10"), 80, t.inside(vpc, 0), kPatience));
    // Port 80 may enter, but no answer may leave.
    vpc.acls[0].ingress = {{true, 6, 80, 80, cidr("10.0.1.0/24")}};
    vpc.acls[0].egress = {{true, 6, 443, 443, Cidr{{}, 0}}};
    co_await t.converge(vpc);
    EXPECT_FALSE(co_await t.connects(ip("10.0.2.10"), 80, t.inside(vpc, 0), kSilence));
    vpc.acls[0].egress = {{true, 6, 1024, 65535, cidr("10.0.1.0/24")}};
    co_await t.converge(vpc);
    EXPECT_TRUE(co_await t.connects(ip("10.0.2.10"), 80, t.inside(vpc, 0), kPatience));
    // One host is refused before the rest is let in; inside the subnet nobody asks.
    vpc.acls[0].ingress.insert(vpc.acls[0].ingress.begin(),
                               {false, -1, -1, -1, cidr("10.0.1.11/32")});
    co_await t.converge(vpc);
    EXPECT_FALSE(co_await t.connects(ip("10.0.2.10"), 80, t.inside(vpc, 1), kSilence));
    EXPECT_TRUE(co_await t.connects(ip("10.0.2.10"), 80, t.inside(vpc, 0), kPatience));
    EXPECT_TRUE(co_await t.connects(ip("10.0.1.10"), 80, t.inside(vpc, 1), kPatience));
  });
}

TEST_F(NetworkTest, GroupsAdmitTheirMembersOnly) {
  run([](NetworkTest& t) -> task<void> {
    VpcSpec vpc = t.vpc(1, 3);
    vpc.groups = {{"sg-app", {}, {kAnything}},
                  {"sg-other", {}, {kAnything}},
                  {"sg-db", {{6, 5432, 5432, {}, "sg-app"}}, {}}};
    vpc.interfaces[0].security_groups = {"sg-db"};
    vpc.interfaces[1].security_groups = {"sg-app"};
    vpc.interfaces[2].security_groups = {"sg-other"};
    co_await t.converge(vpc);
    io::TcpListener database = t.listen(t.inside(vpc, 0), 5432);
    const Ipv4 address = vpc.interfaces[0].address;
    EXPECT_TRUE(co_await t.connects(address, 5432, t.inside(vpc, 1), kPatience));
    EXPECT_FALSE(co_await t.connects(address, 5432, t.inside(vpc, 2), kSilence));
    EXPECT_FALSE(co_await t.connects(*vpc.interfaces[0].public_address, 5432, "", kSilence));

    vpc.interfaces[2].security_groups = {"sg-other", "sg-app"};
    co_await t.converge(vpc);
    EXPECT_TRUE(co_await t.connects(address, 5432, t.inside(vpc, 2), kPatience));
    vpc.groups[0].egress.clear();
    co_await t.converge(vpc);
    EXPECT_FALSE(co_await t.connects(address, 5432, t.inside(vpc, 1), kSilence)) << "egress counts";
    EXPECT_TRUE(co_await t.connects(address, 5432, t.inside(vpc, 2), kPatience));
  });
}

TEST_F(NetworkTest, EqualBlocksLiveSideBySide) {
  run([](NetworkTest& t) -> task<void> {
    VpcSpec one = t.vpc(1, 1), two = t.vpc(2, 2);
    one.groups[0].ingress = two.groups[0].ingress = {tcp_from("0.0.0.0/0", 80)};
    co_await t.converge(one);
    co_await t.converge(two);
    io::TcpListener in_one = t.listen(t.inside(one, 0), 80);
    io::TcpListener in_two = t.listen(t.inside(two, 0), 80);
    // The private address means the own VPC; the public one leads out and in again, with a public
    // source.
    EXPECT_TRUE(co_await t.connects(ip("10.0.1.10"), 80, t.inside(two, 1), kPatience));
    EXPECT_EQ((co_await in_two.accept())->remote().address, "10.0.1.11");
    EXPECT_TRUE(
        co_await t.connects(*one.interfaces[0].public_address, 80, t.inside(two, 1), kPatience));
    EXPECT_EQ((co_await in_one.accept())->remote().address,
              two.interfaces[1].public_address->str());
    EXPECT_TRUE(
        co_await t.connects(*two.interfaces[0].public_address, 80, t.inside(two, 1), kPatience));
    EXPECT_EQ((co_await in_two.accept())->remote().address,
              two.interfaces[1].public_address->str());
    // Outside, a private address means nothing.
    const std::string edge = t.instance_.namespace_path("edge");
    EXPECT_FALSE(co_await t.connects(ip("10.0.1.10"), 80, edge, kSilence));
    EXPECT_TRUE(co_await t.connects(*one.interfaces[0].public_address, 80, edge, kPatience));
  });
}

TEST_F(NetworkTest, AnInterfaceCannotSendFromAnotherAddress) {
  run([](NetworkTest& t) -> task<void> {
    VpcSpec vpc = t.vpc(1, 2);
    vpc.groups[0].ingress = {kAnything};
    co_await t.converge(vpc);
    io::TcpListener server = t.listen(t.inside(vpc, 0), 80);
    EXPECT_TRUE(co_await t.connects(ip("10.0.1.10"), 80, t.inside(vpc, 1), kPatience));
    const std::string name = t.instance_.namespace_name(vpc.interfaces[1].id);
    auto changed = co_await io::check_command(
        t.loop_, {.argv = {"ip", "-n", name, "-batch", "-"},
                  .input = "addr flush dev eth0\naddr add 10.0.1.77/24 dev eth0\nroute add default "
                           "via 10.0.1.1\n"});
    EXPECT_TRUE(changed) << changed.error().message;
    EXPECT_FALSE(co_await t.connects(ip("10.0.1.10"), 80, t.inside(vpc, 1), kSilence));
  });
}

TEST_F(NetworkTest, WithoutARouteToTheInternetNothingEntersOrLeaves) {
  run([](NetworkTest& t) -> task<void> {
    VpcSpec vpc = t.vpc(1, 2);
    vpc.groups[0].ingress = {kAnything};
    vpc.subnets[0].routes.clear();
    co_await t.converge(vpc);
    io::TcpListener server = t.listen(t.inside(vpc, 0), 80), on_host = t.listen("", 0);
    EXPECT_FALSE(co_await t.connects(*vpc.interfaces[0].public_address, 80, "", kSilence));
    EXPECT_FALSE(co_await t.connects(t.network_->host_address(), on_host.local().port,
                                     t.inside(vpc, 1), kSilence));
    EXPECT_TRUE(co_await t.connects(ip("10.0.1.10"), 80, t.inside(vpc, 1), kPatience));
    // Through a NAT gateway: out, not in.
    vpc.subnets[0].routes = {kToInternet};
    vpc.subnets[0].routes[0].nat_gateway = t.public_address(200);
    co_await t.converge(vpc);
    EXPECT_TRUE(co_await t.connects(t.network_->host_address(), on_host.local().port,
                                    t.inside(vpc, 1), kPatience));
    EXPECT_EQ((co_await on_host.accept())->remote().address, t.public_address(200).str());
    EXPECT_FALSE(co_await t.connects(*vpc.interfaces[0].public_address, 80, "", kSilence));
  });
}

TEST_F(NetworkTest, LocalServicesAnswerAndNothingElseDoes) {
  run([](NetworkTest& t) -> task<void> {
    VpcSpec vpc = t.vpc(1, 1);
    vpc.groups[0].egress.clear();  // DNS and credentials are not the security group's business
    co_await t.converge(vpc);
    const std::string home = t.network_->vpc_namespace(vpc.id);
    io::TcpListener dns = t.listen(home, 53), api = t.listen(home, 4566),
                    other = t.listen(home, 22);
    const std::string from = t.inside(vpc, 0);
    EXPECT_TRUE(co_await t.connects(ip("169.254.169.253"), 53, from, kPatience));
    EXPECT_TRUE(co_await t.connects(ip("10.0.0.2"), 53, from, kPatience));
    EXPECT_TRUE(co_await t.connects(ip("169.254.170.10"), 4566, from, kPatience));
    EXPECT_FALSE(co_await t.connects(ip("169.254.170.10"), 22, from, kSilence));
    EXPECT_FALSE(co_await t.connects(ip("10.0.1.1"), 53, from, kSilence));
  });
}

TEST_F(NetworkTest, ARestartedProcessAdoptsAndRepairs) {
  run([](NetworkTest& t) -> task<void> {
    VpcSpec vpc = t.vpc(1, 2);
    vpc.groups[0].ingress = {tcp_from("0.0.0.0/0", 80)};
    co_await t.converge(vpc);
    io::TcpListener server = t.listen(t.inside(vpc, 0), 80);
    auto client =
        co_await io::connect(t.loop_, {vpc.interfaces[0].public_address->str(), 80}, kPatience);
    EXPECT_TRUE(client);
    if (!client) co_return;
    auto accepted = co_await server.accept();

    // As after kill -9: nothing remembered, one interface half made, one link lost.
    t.network_.emplace(t.loop_, t.instance_, t.options_);
    const Observed seen = t.network_->observe();
    EXPECT_EQ(seen.vpcs, std::set<std::string>{vpc.id});
    EXPECT_EQ(seen.interfaces, (std::set<std::string>{vpc.interfaces[0].id, vpc.interfaces[1].id}));
    auto cut = co_await io::check_command(
        t.loop_, {.argv = {"ip", "-n", t.instance_.namespace_name(vpc.id), "link", "del",
                           interface_device(vpc.interfaces[1].id)}});
    EXPECT_TRUE(cut);
    vpc.interfaces.push_back(t.vpc(1, 3).interfaces[2]);
    std::ofstream("/run/netns/" + t.instance_.namespace_name(vpc.interfaces[2].id)) << "";
    co_await t.converge(vpc);
    EXPECT_TRUE(co_await t.connects(ip("10.0.1.10"), 80, t.inside(vpc, 1), kPatience));
    EXPECT_TRUE(co_await t.connects(ip("10.0.1.10"), 80, t.inside(vpc, 2), kPatience));
    co_await client->write_all("x");
    char byte = 0;
    EXPECT_EQ((co_await accepted->read_some({&byte, 1})).value_or(0), 1u)
        << "adoption cut a connection";

    // And a second time nothing is left to do.
    co_await t.converge(vpc);
  });
}

TEST_F(NetworkTest, ARemovedInterfaceIsCutOffAndItsAddressesMoveOn) {
  run([](NetworkTest& t) -> task<void> {
    VpcSpec vpc = t.vpc(1, 2);
    vpc.groups[0].ingress = {tcp_from("0.0.0.0/0", 80)};
    co_await t.converge(vpc);
    io::TcpListener first = t.listen(t.inside(vpc, 0), 80), second = t.listen(t.inside(vpc, 1), 80);
    const Ipv4 address = *vpc.interfaces[0].public_address;
    EXPECT_TRUE(co_await t.connects(address, 80, "", kPatience));
    const InterfaceSpec gone = vpc.interfaces[0];
    vpc.interfaces.erase(vpc.interfaces.begin());
    co_await t.converge(vpc);
    EXPECT_FALSE(co_await t.connects(address, 80, "", kSilence));
    EXPECT_TRUE(co_await t.network_->remove_interface_namespace(gone.id));
    EXPECT_EQ(t.network_->observe().interfaces, std::set<std::string>{vpc.interfaces[0].id});

    vpc.interfaces[0].public_address = address;
    co_await t.converge(vpc);
    EXPECT_TRUE(co_await t.connects(address, 80, "", kPatience));
    EXPECT_TRUE(co_await second.accept());
  });
}

TEST_F(NetworkTest, FiftyInterfacesAtOnce) {
  run([](NetworkTest& t) -> task<void> {
    VpcSpec vpc = t.vpc(1, 0);
    co_await t.converge(vpc);
    vpc = t.vpc(1, 50);
    vpc.groups[0].ingress = {tcp_from("10.0.1.0/24", 80)};
    const auto start = std::chrono::steady_clock::now();
    co_await t.converge(vpc);
    const auto took = std::chrono::steady_clock::now() - start;
    RecordProperty("milliseconds", int(std::chrono::duration_cast<Millis>(took).count()));
    io::TcpListener server = t.listen(t.inside(vpc, 0), 80);
    for (std::size_t i = 1; i < 50; ++i) {
      EXPECT_TRUE(co_await t.connects(ip("10.0.1.10"), 80, t.inside(vpc, i), kPatience)) << i;
    }
  });
}

TEST_F(NetworkTest, APoolInUseIsRefused) {
  run([](NetworkTest& t) -> task<void> {
    VpcSpec vpc = t.vpc(1, 1);
    co_await t.converge(vpc);
    Instance other = *instance_for(t.folder_ / "other");
    Network second(t.loop_, other, t.options_);
    auto refused = co_await second.ensure_edge();
    EXPECT_FALSE(refused);
    if (refused) co_await second.remove_all();
    if (!refused) EXPECT_EQ(refused.error().code, "pool-in-use") << refused.error().message;
  });
}

// The namespaces are gone, and the host's end of the link with them: after a crash of whatever held
// them. TearDown sees that remove_all() takes the guard that is left, and nothing of another's.
TEST_F(NetworkTest, RemovesWhatIsLeftWhenTheNamespacesAreGone) {
  run([](NetworkTest& t) -> task<void> {
    const VpcSpec vpc = t.vpc(1, 1);
    co_await t.converge(vpc);
    for (const std::string& name : list_namespaces(t.instance_.namespace_name("")))
      EXPECT_TRUE(remove_namespace(name));
    // The kernel removes devices a moment after their namespace.
    const auto link_is_gone = [&] {
      return !look_into("")->devices.contains("lf-" + t.instance_.tag);
    };
    for (int i = 0; i < 3000 && !link_is_gone(); ++i) co_await t.loop_.sleep_for(Millis(10));
    EXPECT_TRUE(link_is_gone());
    EXPECT_TRUE(std::ranges::any_of(look_into("")->routes, [&](const Route& route) {
      return route.destination == t.options_.public_pool;
    })) << "the guard stays, so that no packet leaves";
    Network another(t.loop_, *instance_for(t.folder_ / "other"), {{{198u << 24 | 20u << 16}, 24}});
    EXPECT_TRUE(co_await another.remove_all());
    EXPECT_TRUE(std::ranges::any_of(look_into("")->routes, [&](const Route& route) {
      return route.destination == t.options_.public_pool;
    })) << "not its own";
  });
}

}  // namespace
}  // namespace landfall::host::network
