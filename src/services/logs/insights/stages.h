// What a query does, as a chain that rows are pushed through. Each stage owns what it keeps; what
// all stages keep together is bounded by the query's Budget.
#pragma once

#include <unordered_map>

#include "services/logs/insights/aggregates.h"

namespace landfall::logs::insights {

// Memory of one query. Stages note what they keep; the query fails at the next chance when that is
// too much.
struct Budget {
  std::size_t limit = 128 << 20;
  std::size_t used = 0;
  bool exceeded() const { return used > limit; }
};

class Stage {
 public:
  virtual ~Stage() = default;
  // `order` is the row's place in time.
  virtual void push(Row& row, const Position& order) = 0;
  // No more rows come.
  virtual void finish() = 0;
  // No event before this one can change the result any more; events come from the latest on.
  virtual std::optional<std::int64_t> enough_before_ms() const { return {}; }
};
using StagePtr = std::unique_ptr<Stage>;

class FilterStage final : public Stage {
 public:
  FilterStage(ExpressionPtr condition, StagePtr next)
      : condition_(std::move(condition)), next_(std::move(next)) {}
  void push(Row& row, const Position& order) override {
    if (is_true(condition_->evaluate(row))) next_->push(row, order);
  }
  void finish() override { next_->finish(); }
  std::optional<std::int64_t> enough_before_ms() const override {
    return next_->enough_before_ms();
  }

 private:
  ExpressionPtr condition_;
  StagePtr next_;
};

// fields ... as name; also the keys of sort.
class ComputeStage final : public Stage {
 public:
  struct Item {
    std::size_t slot;
    ExpressionPtr expression;
  };
  ComputeStage(std::vector<Item> items, StagePtr next)
      : items_(std::move(items)), next_(std::move(next)) {}
  void push(Row& row, const Position& order) override {
    for (const Item& item : items_) row.set(item.slot, item.expression->evaluate(row));
    next_->push(row, order);
  }
  void finish() override { next_->finish(); }
  std::optional<std::int64_t> enough_before_ms() const override {
    return next_->enough_before_ms();
  }

 private:
  std::vector<Item> items_;
  StagePtr next_;
};

class ParseStage final : public Stage {
 public:
  struct Pattern {
    ExpressionPtr from;
    std::vector<std::string> glob;
    std::shared_ptr<const Regex> regex;
    std::vector<std::optional<std::size_t>> slots;  // by star or group
  };
  ParseStage(Pattern pattern, StagePtr next)
      : pattern_(std::move(pattern)), next_(std::move(next)) {}
  void push(Row& row, const Position& order) override;
  void finish() override { next_->finish(); }
  std::optional<std::int64_t> enough_before_ms() const override {
    return next_->enough_before_ms();
  }

 private:
  Pattern pattern_;
  std::vector<std::string_view> found_;
  StagePtr next_;
};

// Counts what arrives: the records that matched.
class CountStage final : public Stage {
 public:
  CountStage(std::int64_t& count, StagePtr next) : count_(count), next_(std::move(next)) {}
  void push(Row& row, const Position& order) override {
    ++count_;
    next_->push(row, order);
  }
  void finish() override { next_->finish(); }
  std::optional<std::int64_t> enough_before_ms() const override {
    return next_->enough_before_ms();
  }

 private:
  std::int64_t& count_;
  StagePtr next_;
};

// The order of rows: by these slots, then the latest first.
struct Order {
  struct Key {
    std::size_t slot;
    bool descending;
  };
  std::vector<Key> keys;
};

// A row that is kept: the values of the slots that are still wanted.
struct KeptRow {
  std::vector<OwnedValue> values;
  Position order;
};

// Rows in order, the first `limit` of them; with `unique`, one for each combination of those slots'
// values (rows without one of the values are all kept).
class OrderedStage final : public Stage {
 public:
  struct Settings {
    Order order;
    std::size_t limit = kMostRows;
    std::vector<std::size_t> unique;
    std::vector<std::size_t> wanted;  // slots; those of `order` and `unique` among them
  };
  OrderedStage(Settings settings, const Layout& layout, Budget& budget, StagePtr next);
  void push(Row& row, const Position& order) override;
  void finish() override;
  std::optional<std::int64_t> enough_before_ms() const override;

 private:
  bool before(const KeptRow& a, const KeptRow& b) const;
  int compare_to(Row& row, const Position& order, const KeptRow& kept) const;
  KeptRow keep(Row& row, const Position& order) const;
  void release(const KeptRow& row) const;
  void insert(KeptRow row);
  std::string key_of(Row& row) const;

  Settings settings_;
  std::vector<std::size_t> order_at_;  // where in KeptRow the order's keys are
  const Layout& layout_;
  Budget& budget_;
  StagePtr next_;
  std::vector<KeptRow> rows_;  // a heap with the last in front, when there are `limit`
  std::unordered_map<std::string, KeptRow> by_key_;
};

class StatsStage final : public Stage {
 public:
  struct Settings {
    std::vector<ExpressionPtr> by;
    std::vector<Aggregation> aggregations;
    // In the rows that go on: first the groups' values, then the aggregations'.
    std::vector<std::size_t> slots;
  };
  StatsStage(Settings settings, const Layout& next_layout, Budget& budget, StagePtr next)
      : settings_(std::move(settings)),
        next_layout_(next_layout),
        budget_(budget),
        next_(std::move(next)) {}
  void push(Row& row, const Position& order) override;
  void finish() override;

 private:
  struct Group {
    std::vector<OwnedValue> by;
    std::vector<std::unique_ptr<Accumulator>> accumulators;
    std::size_t bytes = 0;
  };
  Group& group_of(Row& row);

  Settings settings_;
  const Layout& next_layout_;
  Budget& budget_;
  StagePtr next_;
  std::string key_;
  std::vector<Value> by_;
  std::unordered_map<std::string, Group> groups_;
};

using ResultRow = std::vector<std::optional<std::string>>;

// The end of the chain: what is shown.
class OutputStage final : public Stage {
 public:
  OutputStage(std::vector<std::size_t> slots, std::vector<ResultRow>& rows, Budget& budget)
      : slots_(std::move(slots)), rows_(rows), budget_(budget) {}
  void push(Row& row, const Position&) override;
  void finish() override {}

 private:
  std::vector<std::size_t> slots_;
  std::vector<ResultRow>& rows_;
  Budget& budget_;
};

}  // namespace landfall::logs::insights
