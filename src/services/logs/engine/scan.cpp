#include "services/logs/engine/scan.h"

#include <cstring>

#include "services/logs/engine/scan_streams.h"
#include "services/logs/engine/stream_blocks.h"
#include "services/logs/regex/contains.h"

namespace landfall::logs {

namespace {

class BlockScan final : public Scan {
 public:
  BlockScan(std::shared_ptr<LogDatabase> database, ScanSettings settings,
            std::vector<ScanStream> streams)
      : database_(std::move(database)),
        settings_(std::move(settings)),
        streams_(std::move(streams)),
        snapshot_(*database_) {
    if (settings_.latest_first) {
      std::sort(streams_.begin(), streams_.end(), [](const ScanStream& a, const ScanStream& b) {
        return a.last_event_ms > b.last_event_ms;
      });
    }
  }

  Result<bool> run(std::chrono::steady_clock::time_point until, const Visit& visit) override {
    while (next_ < streams_.size() || blocks_) {
      if (!blocks_ && !open_stream()) continue;
      if (!at_block()) {
        if (!blocks_->status().ok()) {
          return std::unexpected(database_->error_of(blocks_->status(), "log events"));
        }
        blocks_.reset();
        continue;
      }
      read_block(visit);
      settings_.latest_first ? blocks_->previous() : blocks_->next();
      if (std::chrono::steady_clock::now() >= until) return true;
    }
    return false;
  }

  void ignore_before(std::int64_t time_ms) override {
    ignored_before_ms_ = std::max(ignored_before_ms_, time_ms);
  }

 private:
  const ScanStream& stream() const { return streams_[next_ - 1]; }
  std::int64_t from_ms() const {
    return std::max(settings_.groups[stream().group].from_ms, ignored_before_ms_);
  }

  bool open_stream() {
    ++next_;
    if (stream().last_event_ms < from_ms()) return false;
    blocks_ = std::make_unique<StreamBlocks>(*database_, snapshot_.get(), stream().id);
    if (settings_.latest_first) {
      blocks_->seek_back(settings_.to_ms - 1);
    } else {
      blocks_->seek(from_ms() - kBlockSpanMs);
    }
    return true;
  }

  bool at_block() const {
    if (!blocks_->valid()) return false;
    return settings_.latest_first ? blocks_->first_ms() + kBlockSpanMs >= from_ms()
                                  : blocks_->first_ms() < settings_.to_ms;
  }

  void read_block(const Visit& visit) {
    const std::string_view text = blocks_->block();
    const bool wanted = contains(text, settings_.required);
    const std::int64_t from = from_ms();
    BlockReader reader(blocks_->first_ms(), text);
    ScannedEvent event;
    event.group = stream().group;
    event.stream = stream().id;
    event.stream_name = stream().name;
    event.ingestion_ms = reader.ingestion_ms();
    event.position.sequence = blocks_->sequence();
    while (reader.next()) {
      if (reader.time_ms() < from || reader.time_ms() >= settings_.to_ms) continue;
      ++events;
      bytes += static_cast<std::int64_t>(billed_bytes(reader.message()));
      if (!wanted) continue;
      event.position.time_ms = reader.time_ms();
      event.position.index = reader.index();
      event.message = reader.message();
      visit(event);
    }
  }

  std::shared_ptr<LogDatabase> database_;
  ScanSettings settings_;
  std::vector<ScanStream> streams_;
  SnapshotHolder snapshot_;
  std::size_t next_ = 0;  // the stream after the one being read
  std::unique_ptr<StreamBlocks> blocks_;
  std::int64_t ignored_before_ms_ = 0;
};

}  // namespace

std::unique_ptr<Scan> scan_blocks(std::shared_ptr<LogDatabase> database, ScanSettings settings,
                                  std::vector<ScanStream> streams) {
  return std::make_unique<BlockScan>(std::move(database), std::move(settings), std::move(streams));
}

}  // namespace landfall::logs
