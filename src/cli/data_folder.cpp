#include "cli/data_folder.h"

#include "io/files.h"

namespace landfall::cli {
namespace fs = std::filesystem;
namespace {

// The words of a small file of ours.
Result<std::vector<std::string>> read_words(const fs::path& path, std::size_t count) {
  auto text = io::read_file(path, 4096);
  if (!text) {
    const bool missing = text.error().code == "errno-ENOENT";
    return fail(
        "data-folder-unreadable",
        missing ? fmt::format("{} does not exist: has `landfall serve --data-dir {}` been started?",
                              path.string(), path.parent_path().string())
                : text.error().message);
  }
  std::vector<std::string> words;
  std::string word;
  for (char c : *text + "\n") {
    if (c != ' ' && c != '\n') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (words.size() != count) {
    return fail("data-folder-unreadable",
                fmt::format("{} does not hold what Landfall wrote", path.string()));
  }
  return words;
}

}  // namespace

Result<std::string> read_account(const fs::path& data_dir) {
  LF_TRY(words, read_words(data_dir / "account", 1));
  return words[0];
}
Result<void> write_account(const fs::path& data_dir, const std::string& account) {
  return io::write_file(data_dir / "account", account + "\n", 0644);
}

Result<RootKey> read_root_key(const fs::path& data_dir) {
  LF_TRY(words, read_words(data_dir / "credentials", 2));
  return RootKey{words[0], words[1]};
}
Result<void> write_root_key(const fs::path& data_dir, const RootKey& key) {
  return io::write_file(data_dir / "credentials", fmt::format("{}\n{}\n", key.id, key.secret),
                        0600);
}

Result<Listening> read_listening(const fs::path& data_dir) {
  LF_TRY(words, read_words(data_dir / "endpoint", 2));
  return Listening{words[0], words[1]};
}
Result<void> write_listening(const fs::path& data_dir, const Listening& listening) {
  return io::write_file(data_dir / "endpoint",
                        fmt::format("{} {}\n", listening.address, listening.region), 0644);
}

Result<std::string> read_pool(const fs::path& data_dir) {
  LF_TRY(words, read_words(data_dir / "pool", 1));
  return words[0];
}
Result<void> write_pool(const fs::path& data_dir, const std::string& pool) {
  return io::write_file(data_dir / "pool", pool + "\n", 0644);
}

Result<io::Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  io::Endpoint out;
  if (colon != std::string_view::npos) {
    out.address = text.substr(0, colon);
    if (out.address.starts_with('[') && out.address.ends_with(']')) {
      out.address = out.address.substr(1, out.address.size() - 2);
    }
    const auto parsed =
        std::from_chars(text.data() + colon + 1, text.data() + text.size(), out.port);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && !out.address.empty())
      return out;
  }
  return fail("usage", fmt::format("'{}' is not ADDRESS:PORT, such as 127.0.0.1:4566", text));
}

}  // namespace landfall::cli
