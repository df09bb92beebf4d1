// The data plane alone, so that it can be measured without building everything else:
//   proxy_standalone FOLDER THREADS
#include <charconv>
#include <string_view>

#include "io/files.h"
#include "proxy/process/run.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: proxy_standalone FOLDER THREADS\n");
    return 2;
  }
  unsigned threads = 0;
  const std::string_view text = argv[2];
  std::from_chars(text.data(), text.data() + text.size(), threads);
  const auto made = landfall::io::make_directories(argv[1], 0700);
  const auto ended = made ? landfall::proxy::run_process(argv[1], threads) : made;
  if (!ended) fmt::print(stderr, "{}\n", ended.error().message);
  return ended ? 0 : 1;
}
