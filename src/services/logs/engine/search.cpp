#include "services/logs/engine/search.h"

#include <cstring>
#include <queue>

#include "services/logs/engine/stream_blocks.h"
#include "services/logs/pattern/pattern.h"
#include "services/logs/regex/contains.h"

namespace landfall::logs {

namespace {

// A block being read, at one of its events. Not movable: the reader points into the text.
struct OpenBlock {
  OpenBlock(std::int64_t first_ms, std::uint64_t block_sequence, std::string_view block,
            std::size_t the_stream)
      : text(block), sequence(block_sequence), stream(the_stream), reader(first_ms, text) {}
  OpenBlock(const OpenBlock&) = delete;
  Position position() const { return {reader.time_ms(), sequence, reader.index()}; }

  std::string text;
  std::uint64_t sequence;
  std::size_t stream;
  BlockReader reader;
};

class ForwardSearch {
 public:
  ForwardSearch(LogDatabase& database, const Query& query, std::vector<SearchedStream> streams)
      : database_(database), query_(query), streams_(std::move(streams)), snapshot_(database) {
    std::sort(streams_.begin(), streams_.end(),
              [](const auto& a, const auto& b) { return a.first_event_ms < b.first_event_ms; });
    if (query_.pattern) required_ = query_.pattern->required();
    from_ms_ = query.from_ms;
    if (query.after) from_ms_ = std::max(from_ms_, query.after->time_ms);
  }

  Result<Page> run() {
    while (true) {
      open_blocks();
      if (failure_) return std::unexpected(*failure_);
      const bool enough = scanned_ > query_.scan_limit;
      if (blocks_.empty()) {
        if (const auto next_ms = next_begin()) page_.more = Position{*next_ms, 0, 0}.before();
        return std::move(page_);
      }
      const Position position = blocks_.front()->position();
      if (enough || !consider(*blocks_.front(), position)) {
        page_.more = position.before();
        return std::move(page_);
      }
      advance();
    }
  }

 private:
  using Block = std::unique_ptr<OpenBlock>;
  static bool later(const Block& a, const Block& b) { return a->position() > b->position(); }

  // False when the page is full and this event, which belongs on it, must wait for the next.
  bool consider(const OpenBlock& block, const Position& position) {
    if (position.time_ms < query_.from_ms || position.time_ms >= query_.to_ms) return true;
    if (query_.after && position <= *query_.after) return true;
    const std::string_view message = block.reader.message();
    if (query_.pattern && !query_.pattern->matches(message)) return true;
    if (page_.events.size() == query_.limit ||
        (!page_.events.empty() && found_bytes_ + message.size() > query_.byte_limit)) {
      return false;
    }
    found_bytes_ += message.size();
    page_.events.push_back(
        {position, block.reader.ingestion_ms(), streams_[block.stream].name, std::string(message)});
    return true;
  }

  // When the next stream or block that is not open yet begins.
  std::optional<std::int64_t> next_begin() const {
    std::optional<std::int64_t> begin;
    if (!waiting_.empty()) begin = waiting_.top().first;
    if (next_stream_ < streams_.size()) {
      const std::int64_t stream_ms = std::max(streams_[next_stream_].first_event_ms, from_ms_);
      if (!begin || stream_ms < *begin) begin = stream_ms;
    }
    return begin;
  }

  // Opens whatever may hold the next event: streams and blocks that begin before it.
  void open_blocks() {
    while (!failure_) {
      const auto begin = next_begin();
      if (!begin) return;
      if (blocks_.empty() ? scanned_ > query_.scan_limit
                          : *begin > blocks_.front()->reader.time_ms()) {
        return;
      }
      if (!waiting_.empty() && waiting_.top().first == *begin) {
        open_next_block();
      } else {
        open_stream(next_stream_++);
      }
    }
  }

  void open_stream(std::size_t index) {
    auto blocks = std::make_unique<StreamBlocks>(database_, snapshot_.get(), streams_[index].id);
    blocks->seek(from_ms_ - kBlockSpanMs);
    cursors_.resize(streams_.size());
    cursors_[index] = std::move(blocks);
    wait_for_block(index);
  }

  void wait_for_block(std::size_t index) {
    StreamBlocks& blocks = *cursors_[index];
    if (blocks.valid() && blocks.first_ms() < query_.to_ms) {
      waiting_.emplace(blocks.first_ms(), index);
      return;
    }
    if (!blocks.status().ok()) failure_ = database_.error_of(blocks.status(), "log events");
    cursors_[index].reset();
  }

  void open_next_block() {
    const std::size_t index = waiting_.top().second;
    waiting_.pop();
    StreamBlocks& blocks = *cursors_[index];
    const std::string_view text = blocks.block();
    // What lies before the place to go on from is looked at on every page, and must not use up the
    // next.
    if (blocks.first_ms() > from_ms_) scanned_ += text.size();
    // Most blocks of a search for a rare word end here.
    if (contains(text, required_)) {
      auto block = std::make_unique<OpenBlock>(blocks.first_ms(), blocks.sequence(), text, index);
      if (block->reader.next()) {
        blocks_.push_back(std::move(block));
        std::push_heap(blocks_.begin(), blocks_.end(), later);
      }
    }
    blocks.next();
    wait_for_block(index);
  }

  void advance() {
    std::pop_heap(blocks_.begin(), blocks_.end(), later);
    if (blocks_.back()->reader.next()) {
      std::push_heap(blocks_.begin(), blocks_.end(), later);
    } else {
      blocks_.pop_back();
    }
  }

  LogDatabase& database_;
  const Query& query_;
  std::vector<SearchedStream> streams_;
  SnapshotHolder snapshot_;
  std::string_view required_;
  std::int64_t from_ms_ = 0;
  std::size_t next_stream_ = 0;
  std::vector<std::unique_ptr<StreamBlocks>> cursors_;  // by index of streams_
  using Begin = std::pair<std::int64_t, std::size_t>;   // (time the next block begins, stream)
  std::priority_queue<Begin, std::vector<Begin>, std::greater<>> waiting_;
  std::vector<Block> blocks_;  // a heap: the one with the next event in front
  std::optional<Error> failure_;
  std::size_t scanned_ = 0;
  std::size_t found_bytes_ = 0;
  Page page_;
};

struct LaterFirst {
  Position position;
  std::int64_t ingestion_ms;
  std::string message;
  bool operator<(const LaterFirst& other) const { return position < other.position; }
};

}  // namespace

Result<Page> search_forward(LogDatabase& database, const Query& query,
                            std::vector<SearchedStream> streams) {
  return ForwardSearch(database, query, std::move(streams)).run();
}

Result<Page> search_backward(LogDatabase& database, const Query& query,
                             const std::vector<SearchedStream>& streams) {
  Page page;
  if (streams.empty()) return page;
  const SnapshotHolder snapshot(database);
  StreamBlocks blocks(database, snapshot.get(), streams.front().id);
  std::int64_t latest_ms = query.to_ms - 1;
  if (query.before) latest_ms = std::min(latest_ms, query.before->time_ms);
  if (latest_ms < 0) return page;
  blocks.seek_back(latest_ms);
  std::vector<LaterFirst> heap;
  std::size_t bytes = 0;
  while (true) {
    // An earlier block may reach beyond the beginning of a later one.
    while (blocks.valid() && blocks.first_ms() + kBlockSpanMs >= query.from_ms &&
           (heap.empty() || blocks.first_ms() + kBlockSpanMs >= heap.front().position.time_ms)) {
      BlockReader reader(blocks.first_ms(), blocks.block());
      while (reader.next()) {
        const Position position{reader.time_ms(), blocks.sequence(), reader.index()};
        if (position.time_ms < query.from_ms || position.time_ms >= query.to_ms) continue;
        if (query.before && position >= *query.before) continue;
        heap.push_back({position, reader.ingestion_ms(), std::string(reader.message())});
        std::push_heap(heap.begin(), heap.end());
      }
      blocks.previous();
    }
    if (!blocks.status().ok())
      return std::unexpected(database.error_of(blocks.status(), "log events"));
    if (heap.empty()) break;
    LaterFirst& event = heap.front();
    if (page.events.size() == query.limit ||
        (!page.events.empty() && bytes + event.message.size() > query.byte_limit)) {
      page.more = page.events.back().position;
      break;
    }
    bytes += event.message.size();
    page.events.push_back(
        {event.position, event.ingestion_ms, streams.front().name, std::move(event.message)});
    std::pop_heap(heap.begin(), heap.end());
    heap.pop_back();
  }
  std::reverse(page.events.begin(), page.events.end());
  return page;
}

Result<std::int64_t> measure_blocks(LogDatabase& database, std::int64_t stream,
                                    std::int64_t end_ms) {
  const SnapshotHolder snapshot(database);
  StreamBlocks blocks(database, snapshot.get(), stream);
  std::int64_t bytes = 0;
  for (blocks.seek(0); blocks.valid() && blocks.first_ms() < end_ms; blocks.next()) {
    BlockReader reader(blocks.first_ms(), blocks.block());
    while (reader.next()) bytes += static_cast<std::int64_t>(billed_bytes(reader.message()));
  }
  if (!blocks.status().ok())
    return std::unexpected(database.error_of(blocks.status(), "log events"));
  return bytes;
}

}  // namespace landfall::logs
