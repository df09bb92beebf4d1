#include "base/build_version.h"

#include <elf.h>
#include <link.h>

#include "base/bytes.h"

namespace landfall {
namespace {

// The GNU build id among the notes of the first object, which is the program itself.
int find_build_id(dl_phdr_info* object, std::size_t, void* out) {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const char* at = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
    const char* end = at + segment.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
      const std::size_t name = (note->n_namesz + 3) & ~3u;
      const std::size_t body = (note->n_descsz + 3) & ~3u;
      const char* description = at + sizeof *note + name;
      if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4) {
        *static_cast<std::string*>(out) = hex_encode({description, note->n_descsz});
        return 1;
      }
      at = description + body;
    }
  }
  return 1;
}

}  // namespace

const std::string& build_version() {
  static const std::string id = [] {
    std::string found;
    dl_iterate_phdr(find_build_id, &found);
    return found.empty() ? std::string("unknown") : found;
  }();
  return id;
}

}  // namespace landfall
