#include "io/remove_tree.h"

#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "io/files.h"

namespace landfall::io {
namespace fs = std::filesystem;
namespace {

// They wait for the disk, not for a processor.
constexpr std::size_t kThreads = 32;
constexpr std::size_t kWorthIt = 200;

struct Contents {
  std::vector<fs::path> files;
  std::vector<std::vector<fs::path>> folders;  // by depth
};

void collect(const fs::path& folder, std::size_t depth, Contents& out) {
  if (out.folders.size() <= depth) out.folders.resize(depth + 1);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_directory(error) && !entry.is_symlink(error)) {
      out.folders[depth].push_back(entry.path());
      collect(entry.path(), depth + 1, out);
    } else {
      out.files.push_back(entry.path());
    }
  }
}

template <class Remove>
void side_by_side(const std::vector<fs::path>& paths, Remove remove) {
  if (paths.size() < kWorthIt) {
    for (const fs::path& path : paths) remove(path);
    return;
  }
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < paths.size(); at = next++) remove(paths[at]);
    });
  }
}

}  // namespace

Result<void> remove_large_tree(const fs::path& path) {
  Contents contents;
  std::error_code ignored;
  if (fs::is_directory(fs::symlink_status(path, ignored))) collect(path, 0, contents);
  side_by_side(contents.files, [](const fs::path& file) { ::unlink(file.c_str()); });
  for (auto level = contents.folders.rbegin(); level != contents.folders.rend(); ++level)
    side_by_side(*level, [](const fs::path& folder) { ::rmdir(folder.c_str()); });
  // What could not be removed, and why.
  return remove_tree(path);
}

}  // namespace landfall::io
