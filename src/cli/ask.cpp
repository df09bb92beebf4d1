#include "cli/ask.h"

#include "base/record.h"
#include "cli/data_folder.h"
#include "http/client.h"
#include "wire/sigv4/signer.h"

namespace landfall::cli {
namespace {

task<void> send(io::Loop& loop, std::string url, http::Headers headers,
                Result<http::Response>& answer) {
  answer = co_await http::request(loop, "GET", std::move(url), std::move(headers), "", {});
}

}  // namespace

Result<std::string> ask_server(const std::filesystem::path& data_dir, const std::string& call,
                               const std::string& query) {
  LF_TRY(key, read_root_key(data_dir));
  LF_TRY(listening, read_listening(data_dir));
  http::Request request;
  request.method = "GET";
  request.path = "/_landfall/" + call;
  request.query = query;
  request.headers.set("Host", listening.address);
  sigv4::sign(request, "", {key.id, key.secret, ""},
              {.region = listening.region, .service = "landfall", .now = SystemClock().now()});
  std::string url = fmt::format("http://{}{}", listening.address, request.path);
  if (!query.empty()) url += "?" + query;
  io::Loop loop(1);
  Result<http::Response> answer;
  loop.run(send(loop, std::move(url), request.headers, answer));
  if (!answer) {
    if (answer.error().code == "errno-ECONNREFUSED") {
      return fail("not-running",
                  fmt::format("no server answers on {}; what it has deployed keeps running without "
                              "it. Start it: landfall serve --data-dir {}",
                              listening.address, data_dir.string()));
    }
    return std::unexpected(std::move(answer.error()));
  }
  if (answer->status == 200) return std::move(answer->body);
  boost::system::error_code broken;
  const json::value said = json::parse(answer->body, broken);
  const json::value* message =
      !broken && said.is_object() ? said.get_object().if_contains("message") : nullptr;
  return fail("server-refused", message && message->is_string()
                                    ? std::string(message->get_string())
                                    : fmt::format("the server answered {}", answer->status));
}

}  // namespace landfall::cli
