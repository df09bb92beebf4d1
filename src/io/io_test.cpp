#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "io/files.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/process.h"

namespace landfall::io {
namespace {

// Runs one test body on a loop of its own.
void on_loop(std::function<task<void>(Loop&)> body) {
  Loop loop(2);
  loop.run(body(loop));
}

task<int> answer() { co_return 42; }
task<int> thrower() {
  throw std::runtime_error("boom");
  co_return 0;
}

TEST(Task, HandsOverValuesAndExceptions) {
  on_loop([](Loop&) -> task<void> {
    EXPECT_EQ(co_await answer(), 42);
    std::string caught;
    try {
      co_await thrower();
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
    EXPECT_EQ(caught, "boom");
  });
}

task<void> count_down(int depth) {
  if (depth > 0) co_await count_down(depth - 1);
}

TEST(Task, DeepChainsDoNotGrowTheStackOnCompletion) {
  on_loop([](Loop&) -> task<void> { co_await count_down(10'000); });
}

task<void> sleeper(Loop& loop, bool& cancelled) {
  try {
    co_await loop.sleep_for(std::chrono::hours(1));
  } catch (const Cancelled&) {
    cancelled = true;
    throw;
  }
}

TEST(TaskScope, StopCancelsNestedWaitsAndJoins) {
  on_loop([](Loop& loop) -> task<void> {
    TaskScope scope(loop);
    bool first = false, second = false;
    scope.spawn("first", sleeper(loop, first));
    scope.spawn("second", sleeper(loop, second));
    EXPECT_EQ(scope.running(), 2u);
    co_await scope.stop();
    EXPECT_TRUE(first && second);
    EXPECT_EQ(scope.running(), 0u);
  });
}

TEST(TaskScope, AFailingChildDoesNotStopTheOthers) {
  on_loop([](Loop& loop) -> task<void> {
    TaskScope scope(loop);
    bool done = false;
    const auto fails = [](Loop& l) -> task<void> {
      co_await l.yield();
      throw std::runtime_error("boom");
    };
    const auto works = [](Loop& l, bool& flag) -> task<void> {
      co_await l.sleep_for(Millis(1));
      flag = true;
    };
    scope.spawn("fails", fails(loop));
    scope.spawn("works", works(loop, done));
    co_await scope.join();
    EXPECT_TRUE(done);
  });
}

task<Result<int>> slow(Loop& loop) {
  co_await loop.sleep_for(std::chrono::hours(1));
  co_return 1;
}
task<Result<int>> quick(Loop& loop) {
  co_await loop.yield();
  co_return 7;
}

TEST(Timeout, IsAnErrorOfTheCallOnly) {
  on_loop([](Loop& loop) -> task<void> {
    auto late = co_await with_timeout(loop, Millis(1), slow(loop));
    EXPECT_FALSE(late);
    EXPECT_EQ(late.error().code, "timeout");
    auto in_time = co_await with_timeout(loop, std::chrono::minutes(1), quick(loop));
    EXPECT_EQ(in_time.value(), 7);
    // The caller goes on waiting as before.
    co_await loop.sleep_for(Millis(1));
  });
}

TEST(Event, WakesEveryWaiterOnce) {
  on_loop([](Loop& loop) -> task<void> {
    Event event(loop);
    TaskScope scope(loop);
    int woken = 0;
    const auto wait = [](Event& e, int& count) -> task<void> {
      co_await e.wait();
      ++count;
    };
    for (int i = 0; i < 3; ++i) scope.spawn("waiter", wait(event, woken));
    event.notify_all();
    co_await scope.join();
    EXPECT_EQ(woken, 3);
    EXPECT_FALSE(co_await event.wait_for(Millis(1)));
  });
}

TEST(Blocking, RunsElsewhereAndComesBack) {
  on_loop([](Loop& loop) -> task<void> {
    const auto home = std::this_thread::get_id();
    const auto elsewhere = co_await loop.run_blocking([] { return std::this_thread::get_id(); });
    EXPECT_NE(elsewhere, home);
    EXPECT_EQ(std::this_thread::get_id(), home);
  });
}

TEST(Process, GivesInputAndReadsBothOutputs) {
  on_loop([](Loop& loop) -> task<void> {
    Command command{{"sh", "-c", "cat; echo oops >&2; exit 3"}};
    command.input = std::string(300'000, 'x');
    auto result = co_await run_command(loop, command);
    EXPECT_TRUE(result);
    EXPECT_EQ(result->exit_code, 3);
    EXPECT_EQ(result->out.size(), 300'000u);
    EXPECT_EQ(result->err, "oops\n");
  });
}

TEST(Process, NamesAMissingProgramAndKillsAtTheDeadline) {
  on_loop([](Loop& loop) -> task<void> {
    auto missing = co_await run_command(loop, {{"landfall-no-such-program"}});
    EXPECT_EQ(missing.error().code, "program-missing");
    Command endless{{"sleep", "1000"}};
    endless.timeout = Millis(20);
    auto late = co_await run_command(loop, endless);
    EXPECT_EQ(late.error().code, "timeout");
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  });
}

TEST(Process, KnowsItselfByStartTime) {
  auto started = process_start_time(getpid());
  ASSERT_TRUE(started);
  EXPECT_TRUE(process_alive(getpid(), *started));
  EXPECT_FALSE(process_alive(getpid(), *started + 1));
}

TEST(Tcp, EchoesAndReportsTheEnd) {
  on_loop([](Loop& loop) -> task<void> {
    auto listener = TcpListener::listen(loop, {"127.0.0.1", 0});
    EXPECT_TRUE(listener);
    TaskScope scope(loop);
    const auto serve = [](TcpListener& l) -> task<void> {
      auto stream = co_await l.accept();
      char buffer[16];
      auto got = co_await stream->read_some(buffer);
      co_await stream->write_all({buffer, *got});
    };
    scope.spawn("serve", serve(*listener));
    auto stream = co_await connect(loop, listener->local(), std::chrono::seconds(5));
    EXPECT_TRUE(stream);
    co_await stream->write_all("ping");
    char buffer[16];
    auto got = co_await stream->read_some(buffer);
    EXPECT_EQ(std::string(buffer, *got), "ping");
    got = co_await stream->read_some(buffer);
    EXPECT_EQ(*got, 0u);
    co_await scope.join();
  });
}

TEST(Tcp, SaysWhenThePortIsTaken) {
  on_loop([](Loop& loop) -> task<void> {
    auto first = TcpListener::listen(loop, {"127.0.0.1", 0});
    auto second = TcpListener::listen(loop, first->local());
    EXPECT_EQ(second.error().code, "address-in-use");
    co_return;
  });
}

TEST(Files, WriteReplacesWholeAndLocksExclude) {
  char folder[] = "/tmp/landfall-io-XXXXXX";
  ASSERT_TRUE(mkdtemp(folder));
  const std::filesystem::path path = std::filesystem::path(folder) / "file";
  ASSERT_TRUE(write_file(path, "one", 0600));
  ASSERT_TRUE(write_file(path, "two", 0600));
  EXPECT_EQ(*read_file(path), "two");
  EXPECT_EQ(read_file(path, 2).error().code, "file-too-large");
  EXPECT_EQ(read_file(path.string() + "x").error().code, "errno-ENOENT");
  auto lock = lock_file(path);
  EXPECT_EQ(lock_file(path).error().code, "locked");
  ASSERT_TRUE(remove_tree(folder));
}

}  // namespace
}  // namespace landfall::io
