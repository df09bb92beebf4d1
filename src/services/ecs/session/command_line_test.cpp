#include "services/ecs/session/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace landfall::ecs {
namespace {

using testing::ElementsAre;

TEST(CommandLine, DividesAsAShellDoes) {
  EXPECT_THAT(*split_command("/bin/sh"), ElementsAre("/bin/sh"));
  EXPECT_THAT(*split_command("  ls  -l\t/tmp "), ElementsAre("ls", "-l", "/tmp"));
  EXPECT_THAT(*split_command("sh -c 'echo \"a b\" $HOME'"),
              ElementsAre("sh", "-c", "echo \"a b\" $HOME"));
  EXPECT_THAT(*split_command(R"(say "it's \"so\"" a\ b '')"),
              ElementsAre("say", "it's \"so\"", "a b", ""));
  EXPECT_THAT(*split_command(R"("a\nb")"), ElementsAre(R"(a\nb)"));
}

TEST(CommandLine, RefusesWhatDoesNotEnd) {
  EXPECT_FALSE(split_command(""));
  EXPECT_FALSE(split_command("   "));
  EXPECT_FALSE(split_command("sh -c 'x"));
  EXPECT_FALSE(split_command("x\\"));
}

}  // namespace
}  // namespace landfall::ecs
