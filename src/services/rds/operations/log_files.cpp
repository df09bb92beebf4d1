// operations: DescribeDBLogFiles, DownloadDBLogFilePortion
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DownloadDBLogFilePortion.html
#include "services/rds/log_files.h"

#include "base/bytes.h"
#include "services/rds/server.h"
#include "services/rds/shapes.h"
#include "services/rds/state.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

constexpr std::string_view kFolder = "error/";

// The files are on the volume, which a stopped instance does not have mounted.
Result<std::filesystem::path> log_folder(Rds& rds, const Scope& scope,
                                         const std::string& identifier) {
  LF_TRY(instance, find_instance(rds, scope, identifier));
  if (!rds.volumes.mounted(volume_of(instance.resource_id))) {
    return errors::db_instance_not_ready(
        fmt::format("The log files of {} cannot be read while it is {}.", instance.identifier,
                    instance.status));
  }
  return host::postgres_log_folder(server_to_ask(rds, instance));
}

// XML 1.0 cannot carry most control characters, whatever the client; nor broken UTF-8.
std::string printable(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 && c != '\n' && c != '\t') c = '?';
  }
  if (is_valid_utf8(text)) return text;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return text;
}

}  // namespace

task<Result<DescribeDBLogFilesResponse>> describe_db_log_files(Rds& rds, const RequestContext& ctx,
                                                               DescribeDBLogFilesRequest in) {
  LF_CO_TRY(page, page_request(in.max_records, in.marker));
  LF_CO_TRY(folder, log_folder(rds, ctx.scope, in.db_instance_identifier));
  std::vector<DescribeDBLogFilesDetails> found;
  for (const LogFile& file : list_log_files(folder)) {
    const std::string name = std::string(kFolder) + file.name;
    const std::int64_t written_ms = to_unix_ms(file.written_at);
    if (in.filename_contains && name.find(*in.filename_contains) == std::string::npos) continue;
    if (in.file_last_written && written_ms < *in.file_last_written) continue;
    if (in.file_size && std::int64_t(file.size_bytes) < *in.file_size) continue;
    DescribeDBLogFilesDetails details;
    details.log_file_name = name;
    details.last_written = written_ms;
    details.size = std::int64_t(file.size_bytes);
    found.push_back(std::move(details));
  }
  auto cut = cut_page(std::move(found), page, [](const DescribeDBLogFilesDetails& details) {
    return *details.log_file_name;
  });
  DescribeDBLogFilesResponse out;
  for (auto& details : cut.items) out.describe_db_log_files.push_back(std::move(details));
  out.marker = cut.marker;
  co_return out;
}

task<Result<DownloadDBLogFilePortionResponse>> download_db_log_file_portion(
    Rds& rds, const RequestContext& ctx, DownloadDBLogFilePortionRequest in) {
  LF_CO_TRY(folder, log_folder(rds, ctx.scope, in.db_instance_identifier));
  const std::string name = in.log_file_name.starts_with(kFolder)
                               ? in.log_file_name.substr(kFolder.size())
                               : std::string();
  // Only names of log files: nothing else on the volume can be read this way.
  std::error_code ignored;
  if (!log_file_hour(name) || !std::filesystem::is_regular_file(folder / name, ignored)) {
    co_return errors::db_log_file_not_found(
        fmt::format("DBLog File: {}, is not found on the DB instance", in.log_file_name));
  }
  std::optional<std::uint64_t> offset;
  if (in.marker) {
    std::uint64_t number = 0;
    const auto end = in.marker->data() + in.marker->size();
    if (std::from_chars(in.marker->data(), end, number).ptr != end || in.marker->empty())
      co_return fail("InvalidParameterValue", fmt::format("Invalid marker: {}", *in.marker));
    offset = number;
  }
  if (in.number_of_lines.value_or(1) < 1)
    co_return fail("InvalidParameterValue", "NumberOfLines must be at least 1.");
  const std::size_t lines = std::min<std::size_t>(
      std::size_t(in.number_of_lines.value_or(int(kMostPortionLines))), kMostPortionLines);
  auto portion = co_await rds.loop.run_blocking(
      [file = folder / name, offset, lines] { return read_log_portion(file, offset, lines); });
  if (!portion) co_return std::unexpected(portion.error());
  DownloadDBLogFilePortionResponse out;
  out.log_file_data = printable(std::move(portion->text));
  out.marker = std::to_string(portion->next_offset);
  out.additional_data_pending = portion->more;
  co_return out;
}

}  // namespace landfall::rds
