// For tests of this and higher layers: a folder that goes away, and a store in it.
#pragma once

#include <unistd.h>

#include <cstdlib>

#include "base/check.h"
#include "store/store.h"

namespace landfall::store {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "landfall-test-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A loop, a clock that stands still, and an empty store:
//   TestStore test; test.loop.run(body(test));
struct TestStore {
  explicit TestStore(SqliteOptions options = {}) {
    if (options.file.empty()) options.file = folder.path() / "state.db";
    auto opened = open_sqlite(loop, clock, options);
    CHECK(opened.has_value());
    store = std::move(*opened);
  }
  TemporaryFolder folder;
  io::Loop loop{1};
  FakeClock clock{from_unix_ms(1'800'000'000'000)};
  std::unique_ptr<Store> store;
};

}  // namespace landfall::store
