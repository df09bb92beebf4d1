// The control socket, its client, and a successor that takes over, all in one process.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proxy/control.h"
#include "proxy/engine/testing.h"
#include "proxy/last_metrics.h"
#include "proxy/process/control_server.h"

namespace landfall::proxy::testing {
namespace {

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "lf-proxy-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

// A proxy process without the process.
struct Running {
  Running(const std::filesystem::path& folder, Engine& engine)
      : signals(::eventfd(0, EFD_CLOEXEC)), server(engine, folder) {
    EXPECT_TRUE(server.open());
    thread = std::thread([this] { ended = server.run(signals.get(), seconds); });
  }
  ~Running() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(signals.get(), &one, sizeof one), 8);
    thread.join();
  }
  io::Fd signals;
  ControlServer server;
  ControlServer::Ended ended = ControlServer::Ended::signalled;
  int seconds = 0;
  std::thread thread;
};

template <class T>
Result<T> run(io::Loop& loop, task<Result<T>> work) {
  Result<T> out = fail("not-run", "");
  loop.run([](task<Result<T>> inner, Result<T>& result) -> task<void> {
    result = co_await std::move(inner);
  }(std::move(work), out));
  return out;
}

TEST(Control, AppliesAndReports) {
  Folder folder;
  TestTarget target(TestTarget::says("hi"));
  TestBalancer balancer;
  balancer.add_target(target);
  Running running(folder.path, balancer.engine);
  io::Loop loop;
  Control control(loop, folder.path);
  balancer.snapshot.revision = 7;
  const auto applied =
      run(loop, control.apply(std::make_shared<const Snapshot>(balancer.snapshot)));
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(applied->revision, 7);
  EXPECT_TRUE(applied->problems.empty());
  EXPECT_EQ(balancer.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").body, "hi");
  const auto health = run(loop, control.target_health());
  ASSERT_TRUE(health);
  EXPECT_EQ(health->targets.at(0).state, "unavailable");
  const auto metrics = run(loop, control.metrics());
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->sets.at(0).counters.at("RequestCount"), 1u);
  EXPECT_EQ(metrics->sets.at(1).counters.at("HTTPCode_Target_2XX_Count"), 1u);
  EXPECT_EQ(metrics->sets.at(1).target_response_time.count, 1u);
  EXPECT_EQ(metrics->sets.at(1).target_group, "tg");
  EXPECT_EQ(metrics->sets.at(0).zone, "a");
  // The client's connection, and the one to the target.
  EXPECT_EQ(metrics->sets.at(0).counters.at("NewConnectionCount"), 2u);
  const auto status = run(loop, control.status());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->pid, ::getpid());
  EXPECT_EQ(status->revision, 7);
  // The same build answers: nothing is started.
  EXPECT_EQ(run(loop, control.ensure_running())->boot, status->boot);
}

TEST(Control, ProblemsAreNamed) {
  Folder folder;
  TestBalancer balancer;
  Running running(folder.path, balancer.engine);
  io::Loop loop;
  Control control(loop, folder.path);
  Snapshot bad = balancer.snapshot;
  bad.load_balancers[0].listeners[0].rules[0].action.groups[0].group = "absent";
  auto applied = run(loop, control.apply(std::make_shared<const Snapshot>(bad)));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, "snapshot-invalid");

  TestTarget occupied(TestTarget::says("x"));
  bad = balancer.snapshot;
  bad.load_balancers[0].listeners[0].port = occupied.port();
  Listener secure = balancer.listener();
  secure.id = "secure";
  secure.protocol = Protocol::https;
  secure.tls.certificates.push_back({"arn", "rubbish", "rubbish"});
  bad.load_balancers[0].listeners.push_back(secure);
  applied = run(loop, control.apply(std::make_shared<const Snapshot>(bad)));
  ASSERT_TRUE(applied);
  ASSERT_EQ(applied->problems.size(), 2u);
  EXPECT_EQ(applied->problems[0].code, "certificate-invalid");
  EXPECT_EQ(applied->problems[1].code, "address-in-use");
}

TEST(Control, LastWordsAreReadOnceAndForgotten) {
  Folder folder;
  TestTarget target(TestTarget::says("hi"));
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  balancer.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  io::Loop loop;
  Control control(loop, folder.path);
  EXPECT_TRUE(run(loop, control.all_metrics())->empty());
  Metrics last = balancer.engine.metrics();
  last.draining = true;
  ASSERT_TRUE(write_last_metrics(folder.path / kLastMetrics, last));
  {
    const auto read = run(loop, control.all_metrics());
    ASSERT_EQ(read->size(), 1u);
    EXPECT_EQ(read->at(0).sets.at(0).counters.at("RequestCount"), 1u);
    loop.run(control.forget_ended(*read));  // it has not ended
    EXPECT_EQ(run(loop, control.all_metrics())->size(), 1u);
  }
  last.ended = true;
  ASSERT_TRUE(write_last_metrics(folder.path / kLastMetrics, last));
  loop.run(control.forget_ended(*run(loop, control.all_metrics())));
  EXPECT_TRUE(run(loop, control.all_metrics())->empty());
  // Beside the running process the files of others count, not its own.
  Running running(folder.path, balancer.engine);
  ASSERT_TRUE(write_last_metrics(folder.path / kLastMetrics, last));
  last.boot = "another";
  ASSERT_TRUE(write_last_metrics(folder.path / kLastMetrics, last));
  EXPECT_EQ(run(loop, control.all_metrics())->size(), 2u);
}

TEST(Control, CountsByZone) {
  TestTarget target(TestTarget::says("hi"));
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.group().targets[0].zone = "b";
  balancer.balancer().nodes.push_back({"", "127.0.0.2", "b"});
  balancer.apply();
  const auto ask = [&](const char* address) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(balancer.listener().port);
    inet_pton(AF_INET, address, &to.sin_addr);
    ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    Socket socket(fd);
    socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(read_message(socket).status(), 200);
  };
  ask("127.0.0.1");
  ask("127.0.0.2");
  ask("127.0.0.2");
  const Metrics metrics = balancer.engine.metrics();
  ASSERT_EQ(metrics.sets.size(), 4u);
  std::map<std::string, std::uint64_t> found;
  for (const CounterSet& set : metrics.sets)
    found[set.target_group + "/" + set.zone] = set.counters.at("RequestCount");
  const std::map<std::string, std::uint64_t> expected = {
      {"/a", 1}, {"/b", 2}, {"tg/a", 1}, {"tg/b", 2}};
  EXPECT_EQ(found, expected);
  for (const CounterSet& set : metrics.sets) {
    if (set.target_group.empty()) continue;
    EXPECT_EQ(set.gauges.contains("RegisteredHostCount"), set.zone == "b");
  }
  // Another order of the nodes is not another zone.
  std::swap(balancer.balancer().nodes[0], balancer.balancer().nodes[1]);
  balancer.apply();
  ask("127.0.0.1");
  for (const CounterSet& set : balancer.engine.metrics().sets)
    EXPECT_EQ(set.counters.at("RequestCount"), 2u);
}

TEST(Control, NobodyThere) {
  Folder folder;
  io::Loop loop;
  Control control(loop, folder.path);
  EXPECT_EQ(run(loop, control.target_health()).error().code, "not-running");
}

TEST(TakeOver, NoConnectionIsLost) {
  Folder folder;
  TestTarget target(TestTarget::says("hi"));
  TestBalancer old;
  old.add_target(target);
  old.apply();
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  Socket idle = old.client();
  idle.send(request);
  EXPECT_EQ(read_message(idle).status(), 200);

  auto before = std::make_unique<Running>(folder.path, old.engine);
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0, lost = 0;
  std::thread traffic([&] {
    while (!stop) (old.ask(request).status() == 200 ? good : lost)++;
  });

  Engine successor(1);
  auto taken = take_over(folder.path / "control");
  ASSERT_TRUE(taken) << taken.error().message;
  successor.inherit(taken->handover, std::move(taken->sockets));
  ASSERT_TRUE(successor.apply(taken->handover.snapshot));
  Running after(folder.path, successor);
  ASSERT_TRUE(taken->confirm());
  before->thread.join();
  EXPECT_EQ(before->ended, ControlServer::Ended::handed_over);
  before->thread = std::thread([] {});
  old.engine.drain(false);

  // A connection of before gets its answer, and hears that it is the last.
  idle.send(request);
  const Message last = read_message(idle);
  EXPECT_EQ(last.status(), 200);
  EXPECT_EQ(last.field("Connection"), "close");
  const int so_far = good;
  while (good < so_far + 50 && lost == 0) std::this_thread::yield();
  stop = true;
  traffic.join();
  EXPECT_EQ(lost, 0);
  while (old.engine.connections() > 0) std::this_thread::yield();
  EXPECT_GT(successor.metrics().sets[0].counters["RequestCount"], 0u);
  before.reset();
}

TEST(TakeOver, ASuccessorThatDiesChangesNothing) {
  Folder folder;
  TestTarget target(TestTarget::says("hi"));
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Running running(folder.path, balancer.engine);
  ASSERT_TRUE(take_over(folder.path / "control"));  // and gone
  EXPECT_EQ(balancer.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status(), 200);
  EXPECT_TRUE(take_over(folder.path / "control"));
}

}  // namespace
}  // namespace landfall::proxy::testing
