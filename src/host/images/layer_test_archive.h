// Tar archives for tests, honest and malicious.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "io/files.h"

namespace landfall::host {

class TestArchive {
 public:
  TestArchive() : writer_(archive_write_new()), bytes_(64 << 20, '\0') {
    archive_write_set_format_pax_restricted(writer_);
    archive_write_open_memory(writer_, bytes_.data(), bytes_.size(), &used_);
  }
  ~TestArchive() { archive_write_free(writer_); }
  TestArchive(const TestArchive&) = delete;

  struct Entry {
    std::string name;
    mode_t type = AE_IFREG;
    std::string content = {};
    unsigned mode = 0644;
    std::string link = {};
    bool hard = false;
    long uid = 0, gid = 0;
    std::string xattr = {}, xattr_value = {};
  };
  TestArchive& add(const Entry& from) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, from.name.c_str());
    archive_entry_set_filetype(entry, from.type);
    archive_entry_set_perm(entry, from.mode);
    archive_entry_set_size(entry, la_int64_t(from.content.size()));
    archive_entry_set_uid(entry, from.uid);
    archive_entry_set_gid(entry, from.gid);
    archive_entry_set_mtime(entry, 1'000'000'000, 0);
    if (from.hard) archive_entry_set_hardlink(entry, from.link.c_str());
    if (!from.hard && !from.link.empty()) archive_entry_set_symlink(entry, from.link.c_str());
    if (!from.xattr.empty()) {
      archive_entry_xattr_add_entry(entry, from.xattr.c_str(), from.xattr_value.data(),
                                    from.xattr_value.size());
    }
    EXPECT_EQ(archive_write_header(writer_, entry), ARCHIVE_OK) << archive_error_string(writer_);
    if (!from.content.empty()) {
      archive_write_data(writer_, from.content.data(), from.content.size());
    }
    archive_entry_free(entry);
    return *this;
  }
  TestArchive& file(const std::string& name, const std::string& content) {
    return add({.name = name, .content = content});
  }
  TestArchive& folder(const std::string& name) {
    return add({.name = name, .type = AE_IFDIR, .mode = 0755});
  }
  TestArchive& link(const std::string& name, const std::string& target) {
    return add({.name = name, .type = AE_IFLNK, .mode = 0777, .link = target});
  }
  // The uncompressed bytes.
  std::string finish() {
    archive_write_close(writer_);
    return bytes_.substr(0, used_);
  }

  static std::string compressed(const std::string& bytes, int (*filter)(archive*)) {
    archive* writer = archive_write_new();
    std::string out(bytes.size() + (1 << 20), '\0');
    std::size_t used = 0;
    archive_write_set_format_raw(writer);
    filter(writer);
    archive_write_open_memory(writer, out.data(), out.size(), &used);
    archive_entry* entry = archive_entry_new();
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_write_header(writer, entry);
    archive_write_data(writer, bytes.data(), bytes.size());
    archive_entry_free(entry);
    archive_write_close(writer);
    archive_write_free(writer);
    return out.substr(0, used);
  }

 private:
  archive* writer_;
  std::string bytes_;
  std::size_t used_ = 0;
};

}  // namespace landfall::host
