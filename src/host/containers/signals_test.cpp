#include <gtest/gtest.h>

#include <csignal>

#include "host/containers/containers.h"

namespace landfall::host {
namespace {

TEST(ParseSignal, TakesNamesAndNumbers) {
  EXPECT_EQ(parse_signal("SIGTERM").value(), SIGTERM);
  EXPECT_EQ(parse_signal("KILL").value(), SIGKILL);
  EXPECT_EQ(parse_signal("3").value(), SIGQUIT);
  EXPECT_EQ(parse_signal("SIGRTMIN+3").value(), SIGRTMIN + 3);
}

TEST(ParseSignal, RefusesWhatIsNoSignal) {
  for (const char* bad : {"", "SIG", "SIGNOPE", "0", "-9", "65", "9x", "SIGRTMIN+99", "RTMIN-1"}) {
    EXPECT_FALSE(parse_signal(bad)) << bad;
  }
}

}  // namespace
}  // namespace landfall::host
