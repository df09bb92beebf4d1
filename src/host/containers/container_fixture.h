// Real containers for tests: a data folder of their own, a root file system with one small static
// program, and full clean-up afterwards.
#pragma once

#include <gtest/gtest.h>

#include "host/containers/leftovers.h"
#include "host/containers/local_containers.h"

namespace landfall::host {

class ContainerFixture : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;
  void TearDown() override;

  // Runs `body` on the loop with an open LocalContainers, which is closed afterwards.
  void run(std::function<task<void>(LocalContainers&)> body);
  // A container that runs the program with these words.
  ContainerSpec spec(const std::string& id, std::vector<std::string> words) const;
  std::string log_of(const std::string& id) const;

  io::Loop loop_;
  SystemClock clock_;
  Instance instance_;
  std::filesystem::path root_;
  static std::filesystem::path program_;
};

}  // namespace landfall::host
