#include "host/containers/root_lookup.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

std::string read_some(const io::Fd& file, std::uint64_t offset, std::size_t limit) {
  std::string out(limit, '\0');
  std::size_t used = 0;
  while (used < limit) {
    const ssize_t count =
        ::pread(file.get(), out.data() + used, limit - used, off_t(offset + used));
    if (count <= 0) break;
    used += std::size_t(count);
  }
  out.resize(used);
  return out;
}

std::optional<std::uint32_t> to_id(std::string_view text) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

std::string machine_name(unsigned machine) {
  switch (machine) {
    case EM_X86_64:
      return "amd64 (x86-64)";
    case EM_AARCH64:
      return "arm64 (AArch64)";
    case EM_386:
      return "386 (x86, 32 bits)";
    case EM_ARM:
      return "arm (32 bits)";
    case EM_PPC64:
      return "ppc64le";
    case EM_S390:
      return "s390x";
    case EM_RISCV:
      return "riscv64";
    default:
      return fmt::format("ELF machine {}", machine);
  }
}

constexpr unsigned native_machine() {
#if defined(__x86_64__)
  return EM_X86_64;
#elif defined(__aarch64__)
  return EM_AARCH64;
#else
#error "this machine's ELF number is not known here"
#endif
}

// A 64-bit processor of these families also runs their 32-bit programs.
bool runs_here(unsigned machine) {
  return machine == native_machine() || (native_machine() == EM_X86_64 && machine == EM_386);
}

// The path after PT_INTERP: the dynamic linker. Empty for static programs and 32-bit ones.
std::string elf_interpreter(const io::Fd& file, const std::string& head) {
  Elf64_Ehdr header;
  if (head.size() < sizeof header) return {};
  std::memcpy(&header, head.data(), sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr)) return {};
  const std::size_t count = std::min<std::size_t>(header.e_phnum, 64);
  const std::string table = read_some(file, header.e_phoff, count * sizeof(Elf64_Phdr));
  for (std::size_t at = 0; at + sizeof(Elf64_Phdr) <= table.size(); at += sizeof(Elf64_Phdr)) {
    Elf64_Phdr segment;
    std::memcpy(&segment, table.data() + at, sizeof segment);
    if (segment.p_type != PT_INTERP || segment.p_filesz > 4096) continue;
    const std::string path = read_some(file, segment.p_offset, segment.p_filesz);
    return path.substr(0, path.find('\0'));
  }
  return {};
}

}  // namespace

Result<RootLookup> RootLookup::open(const fs::path& root, std::vector<std::string> elsewhere) {
  io::Fd fd(::open(root.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + root.string(), errno);
  return RootLookup(std::move(fd), std::move(elsewhere));
}

bool RootLookup::is_elsewhere(const std::string& path) const {
  if (elsewhere_.empty()) return false;
  const std::string real = follow(path);
  return std::ranges::any_of(elsewhere_, [&](const std::string& mount) {
    return real == mount || real.starts_with(mount == "/" ? mount : mount + "/");
  });
}

std::string RootLookup::follow(const std::string& path) const {
  std::deque<std::string> rest;
  const auto push = [&](std::string_view text, bool in_front) {
    std::vector<std::string> parts;
    for (const fs::path& part : fs::path(text)) {
      if (part != "/" && part != "." && !part.empty()) parts.push_back(part);
    }
    rest.insert(in_front ? rest.begin() : rest.end(), parts.begin(), parts.end());
  };
  push(path, false);
  std::string at;
  for (int links = 0; !rest.empty();) {
    const std::string part = std::move(rest.front());
    rest.pop_front();
    if (part == "..") {
      at.resize(at.empty() ? 0 : at.rfind('/'));
      continue;
    }
    const std::string next = at + "/" + part;
    open_how how{};
    how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT;
    const io::Fd fd(int(::syscall(SYS_openat2, root_.get(), next.c_str(), &how, sizeof how)));
    char target[4096];
    const ssize_t size = fd ? ::readlinkat(fd.get(), "", target, sizeof target) : -1;
    if (size <= 0 || ++links > 40) {
      at = next;
      continue;
    }
    if (target[0] == '/') at.clear();
    push(std::string_view(target, std::size_t(size)), true);
  }
  return at.empty() ? "/" : at;
}

Result<io::Fd> RootLookup::open_file(const std::string& path) const {
  open_how how{};
  // Non-blocking: a FIFO of that name must not hold us.
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  io::Fd fd(int(::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how)));
  if (!fd) return fail_errno(path, errno);
  return fd;
}

std::vector<std::vector<std::string>> RootLookup::table(const char* path) const {
  std::vector<std::vector<std::string>> out;
  const auto file = open_file(path);
  if (!file) return out;
  const std::string text = read_some(*file, 0, 4 << 20);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.front() == '#') continue;
    auto& fields = out.emplace_back();
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t colon = std::min(line.find(':', at), line.size());
      fields.emplace_back(line.substr(at, colon - at));
      at = colon + 1;
    }
  }
  return out;
}

Result<RootLookup::User> RootLookup::user(const std::string& text) const {
  User out;
  const std::size_t colon = text.find(':');
  const std::string name = text.empty() ? "0" : text.substr(0, colon);
  const std::string group =
      text.empty() || colon == std::string::npos ? "" : text.substr(colon + 1);
  const std::optional<std::uint32_t> uid = to_id(name);
  std::string login;
  bool found = false;
  for (const auto& fields : table("etc/passwd")) {
    if (fields.size() < 6) continue;
    const auto id = to_id(fields[2]), gid = to_id(fields[3]);
    if (!id || !gid || !(fields[0] == name || (uid && *id == *uid))) continue;
    out.uid = *id;
    out.gid = *gid;
    if (!fields[5].empty()) out.home = fields[5];
    login = fields[0];
    found = true;
    break;
  }
  if (!found) {
    if (!uid) {
      return fail("user-not-found", fmt::format("the image has no user '{}' in /etc/passwd", name));
    }
    out.uid = *uid;
  }
  const auto groups = table("etc/group");
  if (!group.empty()) {
    const std::optional<std::uint32_t> gid = to_id(group);
    const auto entry = std::ranges::find_if(
        groups, [&](const auto& fields) { return fields.size() >= 3 && fields[0] == group; });
    if (entry != groups.end() && to_id((*entry)[2])) {
      out.gid = *to_id((*entry)[2]);
    } else if (gid) {
      out.gid = *gid;
    } else {
      return fail("user-not-found",
                  fmt::format("the image has no group '{}' in /etc/group", group));
    }
  } else if (!login.empty()) {
    // A group given replaces the supplementary ones, as Docker does it.
    for (const auto& fields : groups) {
      const auto gid = fields.size() >= 4 ? to_id(fields[2]) : std::nullopt;
      const std::string members = gid ? "," + fields[3] + "," : "";
      if (gid && *gid != out.gid && members.find("," + login + ",") != std::string::npos) {
        out.groups.push_back(*gid);
      }
    }
  }
  if (out.uid > 65535 || out.gid > 65535) {
    return fail("user-not-found",
                fmt::format("user '{}': ids above 65535 are not supported", text));
  }
  return out;
}

Result<void> RootLookup::check_program(const std::string& program, const std::string& search_path,
                                       const std::string& working_directory) const {
  if (program.empty()) return fail("command-not-found", "the command's first word is empty");
  if (program.find('/') != std::string::npos) {
    return check_file(program.front() == '/' ? program : working_directory + "/" + program);
  }
  std::optional<Error> refused;
  std::string_view rest = search_path;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string folder(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
    if (folder.empty()) continue;
    auto checked = check_file(folder + "/" + program);
    if (checked) return {};
    // As the shell: the first that can be executed is run; a wrong format is an error, not a reason
    // to look on.
    if (checked.error().code == "exec-format") return checked;
    if (checked.error().code == "command-not-executable" ||
        checked.error().message.find("interpreter") != std::string::npos) {
      if (!refused) refused = checked.error();
    }
  }
  if (refused) return std::unexpected(*refused);
  return fail("command-not-found",
              fmt::format("executable file '{}' not found in $PATH ({})", program, search_path));
}

Result<void> RootLookup::check_file(const std::string& path) const {
  if (is_elsewhere(path)) return {};
  const auto file = open_file(path);
  if (!file) {
    if (file.error().code == "errno-EACCES") {
      return fail("command-not-executable", fmt::format("permission denied: '{}'", path));
    }
    // A link may lead below a mount, where this cannot see: only what is missing for sure is an
    // error.
    return fail("command-not-found", fmt::format("no such file: '{}'", path));
  }
  struct stat about{};
  if (::fstat(file->get(), &about) < 0) return fail_errno(path, errno);
  if (S_ISDIR(about.st_mode)) {
    return fail("command-not-executable", fmt::format("'{}' is a folder", path));
  }
  if (!S_ISREG(about.st_mode) || (about.st_mode & 0111) == 0) {
    return fail("command-not-executable",
                fmt::format("permission denied: '{}' is not marked executable (chmod +x)", path));
  }
  const std::string head = read_some(*file, 0, 256);
  if (head.starts_with("#!")) {
    const std::string line = head.substr(2, head.find('\n') - 2);
    const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
    std::string interpreter = line.substr(begin, line.find_first_of(" \t", begin) - begin);
    if (interpreter.ends_with('\r')) {
      return fail("command-not-found",
                  fmt::format("the script '{}' has Windows line endings, so its interpreter "
                              "'{}\\r' does not exist",
                              path, interpreter.substr(0, interpreter.size() - 1)));
    }
    if (interpreter.starts_with('/') && !is_elsewhere(interpreter) && !open_file(interpreter)) {
      return fail("command-not-found",
                  fmt::format("the script '{}' needs the interpreter '{}', which the image does "
                              "not have",
                              path, interpreter));
    }
    return {};
  }
  if (!head.starts_with(ELFMAG) || head.size() < 20) {
    return fail("exec-format",
                fmt::format("exec format error: '{}' is neither a program nor a script that "
                            "begins with '#!'",
                            path));
  }
  const unsigned machine = unsigned(static_cast<unsigned char>(head[18])) |
                           unsigned(static_cast<unsigned char>(head[19])) << 8;
  if (head[EI_DATA] != ELFDATA2LSB || !runs_here(machine)) {
    return fail("exec-format",
                fmt::format("exec format error: '{}' is built for {}, but this machine needs {}",
                            path, machine_name(machine), machine_name(native_machine())));
  }
  const std::string linker = elf_interpreter(*file, head);
  if (!linker.empty() && !is_elsewhere(linker) && !open_file(linker)) {
    return fail("command-not-found",
                fmt::format("'{}' needs the interpreter '{}', which the image does not have (it "
                            "was built for another C library)",
                            path, linker));
  }
  return {};
}

Result<void> RootLookup::check_working_directory(const std::string& path) const {
  if (!path.starts_with('/')) {
    return fail("working-directory-invalid",
                fmt::format("the working directory '{}' is not an absolute path", path));
  }
  if (is_elsewhere(path)) return {};
  const auto file = open_file(path);
  struct stat about{};
  if (!file || ::fstat(file->get(), &about) < 0) return {};  // made when the container starts
  if (!S_ISDIR(about.st_mode)) {
    return fail("working-directory-invalid",
                fmt::format("the working directory '{}' is not a folder", path));
  }
  return {};
}

}  // namespace landfall::host
