// Looks into a container's root file system from outside, as the container would see it: symbolic
// links never lead out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "io/files.h"

namespace landfall::host {

class RootLookup {
 public:
  // `elsewhere`: destinations of mounts; what lies below them cannot be seen from here.
  static Result<RootLookup> open(const std::filesystem::path& root,
                                 std::vector<std::string> elsewhere);

  struct User {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;
    std::string home = "/";
  };
  // "", "name", "uid", "name:group", "uid:gid". Error "user-not-found".
  Result<User> user(const std::string& text) const;

  // Can `program` run here? Error, with a message for people:
  //   "command-not-found"       no such file, or what it needs to start is missing
  //   "command-not-executable"  a folder, or no permission to execute
  //   "exec-format"             for another machine (both are named), or no program at all
  Result<void> check_program(const std::string& program, const std::string& search_path,
                             const std::string& working_directory) const;

  // Error "working-directory-invalid" when it exists and is no folder.
  Result<void> check_working_directory(const std::string& path) const;

 private:
  RootLookup(io::Fd root, std::vector<std::string> elsewhere)
      : root_(std::move(root)), elsewhere_(std::move(elsewhere)) {}
  bool is_elsewhere(const std::string& path) const;
  // Where symbolic links lead, also when that does not exist.
  std::string follow(const std::string& path) const;
  // Error code errno-*.
  Result<io::Fd> open_file(const std::string& path) const;
  Result<void> check_file(const std::string& path) const;
  std::vector<std::vector<std::string>> table(const char* path) const;

  io::Fd root_;
  std::vector<std::string> elsewhere_;
};

}  // namespace landfall::host
