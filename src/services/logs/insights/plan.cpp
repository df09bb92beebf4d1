#include "services/logs/insights/plan.h"

#include <map>
#include <set>

#include "services/logs/insights/parser.h"

namespace landfall::logs::insights {

namespace {

constexpr int kMostStats = 2;
constexpr std::size_t kMostFields = 500;

struct Column {
  std::string name;
  std::size_t slot;
};

// The names that rows have at one point of the query: those of events, or what stats made.
class Scope final : public Names {
 public:
  Scope(std::string_view query, Layout& layout, bool events, std::int64_t now_ms)
      : query_(query), layout_(layout), events_(events), now_ms_(now_ms) {}

  Result<std::size_t> field(const std::string& name, Span where) override {
    auto found = slots_.find(name);
    if (found == slots_.end()) {
      LF_TRY(slot, add(name, events_ ? source_of(name) : Source::computed, where));
      found = slots_.emplace(name, slot).first;
    }
    reads.insert(found->second);
    return found->second;
  }

  // A name that the query gives. It hides a field of the same name, but is given once only.
  Result<std::size_t> define(const std::string& name, Span where) {
    if (!defined_.insert(name).second) {
      return malformed(query_, where, fmt::format("the field {} is defined twice", name));
    }
    LF_TRY(slot, add(name, Source::computed, where));
    slots_[name] = slot;
    return slot;
  }
  bool is_defined(const std::string& name) const { return defined_.contains(name); }
  // A slot that has no name.
  Result<std::size_t> hidden(Span where) { return add({}, Source::computed, where); }

  std::int64_t now_ms() const override { return now_ms_; }
  bool events() const { return events_; }
  const Layout& layout() const { return layout_; }

  std::set<std::size_t> reads;  // of the command at hand

 private:
  Result<std::size_t> add(const std::string& name, Source source, Span where) {
    if (layout_.size() == kMostFields) {
      return malformed(query_, where, fmt::format("a query has at most {} fields", kMostFields));
    }
    layout_.push_back({name, source});
    return layout_.size() - 1;
  }

  std::string_view query_;
  Layout& layout_;
  bool events_;
  std::int64_t now_ms_;
  std::map<std::string, std::size_t> slots_;
  std::set<std::string> defined_;
};

// The names in what stats computes: the groups' own, and the aggregations of the rows before.
class Aggregated final : public Names {
 public:
  Aggregated(std::string_view query, Scope& before, Scope& after)
      : query_(query), before_(before), after_(after) {}

  Result<std::size_t> field(const std::string& name, Span where) override {
    if (after_.is_defined(name)) return after_.field(name, where);
    return malformed(query_, where,
                     fmt::format("{} is neither aggregated nor named after by", name));
  }
  Result<std::optional<std::size_t>> aggregate(const Expr& call) override {
    LF_TRY(found, compile_aggregation(call, before_, query_));
    if (!found) return std::nullopt;
    aggregations.push_back(std::move(*found));
    LF_TRY(slot, after_.hidden(call.span));
    slots.push_back(slot);
    return slot;
  }
  std::int64_t now_ms() const override { return after_.now_ms(); }

  std::vector<Aggregation> aggregations;
  std::vector<std::size_t> slots;

 private:
  std::string_view query_;
  Scope& before_;
  Scope& after_;
};

// Functions are copied where std::function is; what they take along is shared.
template <class T>
std::shared_ptr<T> shared(T value) {
  return std::make_shared<T>(std::move(value));
}

}  // namespace

class Planner {
 public:
  Planner(std::string_view query, const PlanSettings& settings)
      : query_(query), settings_(settings) {
    enter(true);
  }

  Result<Plan> plan() {
    LF_TRY(commands, parse_query(query_));
    for (const Command& command : commands) {
      scope_->reads.clear();
      LF_OK(std::visit([&](const auto& what) { return add(command, what); }, command.what));
    }
    scope_->reads.clear();
    LF_OK(finish());
    return std::move(plan_);
  }

 private:
  struct Step {
    Plan::MakeStage make;
    std::size_t scope = 0;
    std::set<std::size_t> reads;
    std::shared_ptr<OrderedStage::Settings> ordered;  // its `wanted` is filled in at the end
  };

  void enter(bool events) {
    plan_.layouts_.push_back(std::make_unique<Layout>());
    scopes_.push_back(
        std::make_unique<Scope>(query_, *plan_.layouts_.back(), events, settings_.now_ms));
    scope_ = scopes_.back().get();
    order_ = {};
    columns_.clear();
    displayed_.reset();
  }

  void add_step(Plan::MakeStage make) {
    steps_.push_back({std::move(make), scopes_.size() - 1, scope_->reads, nullptr});
  }

  // What counts as matched is what reaches the first stage that keeps rows.
  void before_keeping() {
    if (counted_) return;
    counted_ = true;
    add_step([](StagePtr next, std::int64_t& matched, Budget&) {
      return std::make_unique<CountStage>(matched, std::move(next));
    });
  }

  void add_compute(std::vector<ComputeStage::Item> items) {
    if (items.empty()) return;
    add_step([items = shared(std::move(items))](StagePtr next, std::int64_t&, Budget&) {
      return std::make_unique<ComputeStage>(std::move(*items), std::move(next));
    });
  }

  void add_ordered(std::size_t limit, std::vector<std::size_t> unique) {
    if (!counted_) plan_.latest_first_ = order_.keys.empty();
    before_keeping();
    auto settings = shared(OrderedStage::Settings{order_, limit, std::move(unique), {}});
    const Layout& layout = scope_->layout();
    add_step([settings, &layout](StagePtr next, std::int64_t&, Budget& budget) {
      return std::make_unique<OrderedStage>(std::move(*settings), layout, budget, std::move(next));
    });
    steps_.back().ordered = settings;
  }

  // The columns that the items name; what must be computed goes to `compute`.
  Result<void> name_columns(const std::vector<Named>& items, std::vector<Column>& columns,
                            std::vector<ComputeStage::Item>& compute) {
    for (const Named& item : items) {
      const bool plain = item.expr.kind == Expr::Kind::field && !item.alias;
      if (plain || (!item.alias && scope_->is_defined(item.name))) {
        LF_TRY(slot, scope_->field(item.name, item.expr.span));
        columns.push_back({item.name, slot});
        continue;
      }
      LF_TRY(expression, compile(item.expr, *scope_, query_));
      LF_TRY(slot, scope_->define(item.name, item.expr.span));
      compute.push_back({slot, std::move(expression)});
      columns.push_back({item.name, slot});
    }
    return {};
  }

  Result<void> add(const Command&, const FieldsCommand& fields) {
    std::vector<ComputeStage::Item> compute;
    LF_OK(name_columns(fields.items, columns_, compute));
    has_fields_ = true;
    add_compute(std::move(compute));
    return {};
  }

  Result<void> add(const Command&, const DisplayCommand& display) {
    std::vector<ComputeStage::Item> compute;
    LF_OK(name_columns(display.items, displayed_.emplace(), compute));
    add_compute(std::move(compute));
    return {};
  }

  Result<void> add(const Command&, const FilterCommand& filter) {
    if (scope_->events() && !counted_ && !scope_->is_defined("@message")) {
      std::string required = required_of_message(filter.condition);
      if (required.size() > plan_.required_.size()) plan_.required_ = std::move(required);
    }
    LF_TRY(condition, compile(filter.condition, *scope_, query_));
    add_step([condition = shared(std::move(condition))](StagePtr next, std::int64_t&, Budget&) {
      return std::make_unique<FilterStage>(std::move(*condition), std::move(next));
    });
    return {};
  }

  Result<void> add(const Command& command, const ParseCommand& parse) {
    ParseStage::Pattern pattern;
    LF_TRY(from, compile(parse.from, *scope_, query_));
    pattern.from = std::move(from);
    pattern.glob = parse.glob;
    pattern.regex = parse.regex;
    for (const std::string& name : parse.names) {
      if (name.empty()) {
        pattern.slots.emplace_back();
        continue;
      }
      LF_TRY(slot, scope_->define(name, command.span));
      pattern.slots.emplace_back(slot);
      columns_.push_back({name, slot});
    }
    add_step([pattern = shared(std::move(pattern))](StagePtr next, std::int64_t&, Budget&) {
      return std::make_unique<ParseStage>(std::move(*pattern), std::move(next));
    });
    return {};
  }

  Result<void> add(const Command&, const SortCommand& sort) {
    std::vector<ComputeStage::Item> compute;
    order_ = {};
    for (const SortCommand::Key& key : sort.keys) {
      if (key.expr.kind == Expr::Kind::field || scope_->is_defined(text_of(key.expr))) {
        LF_TRY(slot, scope_->field(text_of(key.expr), key.expr.span));
        // The latest first is the order anyway.
        if (sort.keys.size() == 1 && key.descending && scope_->events() &&
            scope_->layout()[slot].source == Source::timestamp) {
          break;
        }
        order_.keys.push_back({slot, key.descending});
        continue;
      }
      LF_TRY(expression, compile(key.expr, *scope_, query_));
      LF_TRY(slot, scope_->hidden(key.expr.span));
      compute.push_back({slot, std::move(expression)});
      order_.keys.push_back({slot, key.descending});
    }
    add_compute(std::move(compute));
    ordered_ = false;
    return {};
  }

  Result<void> add(const Command&, const LimitCommand& limit) {
    add_ordered(limit.count, {});
    limited_ = true;
    ordered_ = true;
    return {};
  }

  Result<void> add(const Command&, const DedupCommand& dedup) {
    std::vector<std::size_t> unique;
    for (const Expr& field : dedup.fields) {
      LF_TRY(slot, scope_->field(field.text, field.span));
      unique.push_back(slot);
    }
    add_ordered(kMostRows, std::move(unique));
    return {};
  }

  Result<void> add(const Command& command, const StatsCommand& stats) {
    if (++stats_ > kMostStats) {
      return malformed(query_, command.span,
                       fmt::format("a query has at most {} stats commands", kMostStats));
    }
    before_keeping();
    Scope& before = *scope_;
    StatsStage::Settings settings;
    for (const Named& by : stats.by) {
      LF_TRY(expression, compile(by.expr, before, query_));
      settings.by.push_back(std::move(expression));
    }
    const std::size_t from = scopes_.size() - 1;
    enter(false);
    std::vector<Column> columns;
    for (const Named& by : stats.by) {
      LF_TRY(slot, scope_->define(by.name, by.expr.span));
      settings.slots.push_back(slot);
      columns.push_back({by.name, slot});
    }
    Aggregated names(query_, before, *scope_);
    std::vector<ComputeStage::Item> compute;
    for (const Named& item : stats.items) {
      const std::size_t count = names.aggregations.size();
      LF_TRY(expression, compile(item.expr, names, query_));
      if (names.aggregations.size() == count) {
        return malformed(query_, item.expr.span, "stats takes aggregations: count(*), avg(field)");
      }
      LF_TRY(slot, scope_->define(item.name, item.expr.span));
      compute.push_back({slot, std::move(expression)});
      columns.push_back({item.name, slot});
    }
    settings.aggregations = std::move(names.aggregations);
    settings.slots.insert(settings.slots.end(), names.slots.begin(), names.slots.end());
    const Layout& layout = scope_->layout();
    steps_.push_back({[settings = shared(std::move(settings)), &layout](
                          StagePtr next, std::int64_t&, Budget& budget) {
                        return std::make_unique<StatsStage>(std::move(*settings), layout, budget,
                                                            std::move(next));
                      },
                      from, before.reads, nullptr});
    add_compute(std::move(compute));
    columns_ = std::move(columns);
    ordered_ = false;
    return {};
  }

  Result<void> finish() {
    if (!ordered_) add_ordered(limited_ ? kMostRows : settings_.limit, {});
    LF_OK(choose_columns());
    // Backwards: what a stage that keeps rows must keep is what somebody reads after it.
    std::set<std::size_t> wanted(plan_.column_slots_.begin(), plan_.column_slots_.end());
    for (std::size_t i = steps_.size(); i-- > 0;) {
      Step& step = steps_[i];
      if (i + 1 < steps_.size() && steps_[i + 1].scope != step.scope) wanted.clear();
      if (step.ordered) {
        for (const Order::Key& key : step.ordered->order.keys) wanted.insert(key.slot);
        wanted.insert(step.ordered->unique.begin(), step.ordered->unique.end());
        step.ordered->wanted.assign(wanted.begin(), wanted.end());
      }
      wanted.insert(step.reads.begin(), step.reads.end());
    }
    for (Step& step : steps_) plan_.steps_.push_back(std::move(step.make));
    return {};
  }

  Result<void> choose_columns() {
    std::vector<Column> columns;
    const auto add = [&](std::string_view name) -> Result<void> {
      LF_TRY(slot, scope_->field(std::string(name), {}));
      columns.push_back({std::string(name), slot});
      return {};
    };
    if (displayed_) {
      columns = std::move(*displayed_);
    } else {
      if (scope_->events() && !has_fields_) {
        LF_OK(add("@timestamp"));
        LF_OK(add("@message"));
      }
      columns.insert(columns.end(), columns_.begin(), columns_.end());
    }
    if (scope_->events()) LF_OK(add("@ptr"));
    for (const Column& column : columns) {
      const auto same = std::find(plan_.columns_.begin(), plan_.columns_.end(), column.name);
      if (same != plan_.columns_.end()) {  // the last of a name stands for all
        plan_.column_slots_[static_cast<std::size_t>(same - plan_.columns_.begin())] = column.slot;
        continue;
      }
      plan_.columns_.push_back(column.name);
      plan_.column_slots_.push_back(column.slot);
    }
    return {};
  }

  std::string text_of(const Expr& expr) const {
    if (expr.kind == Expr::Kind::field) return expr.text;
    return std::string(query_.substr(expr.span.begin, expr.span.end - expr.span.begin));
  }

  std::string_view query_;
  const PlanSettings& settings_;
  Plan plan_;
  std::vector<std::unique_ptr<Scope>> scopes_;
  Scope* scope_ = nullptr;
  std::vector<Step> steps_;
  Order order_;
  std::vector<Column> columns_;
  std::optional<std::vector<Column>> displayed_;
  bool has_fields_ = false;
  bool counted_ = false;
  bool limited_ = false;
  bool ordered_ = false;  // rows are in order, and not too many
  int stats_ = 0;
};

Plan::Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;
Plan::~Plan() = default;

Result<Plan> Plan::make(std::string_view query, const PlanSettings& settings) {
  return Planner(query, settings).plan();
}

StagePtr Plan::build(std::vector<ResultRow>& rows, std::int64_t& matched, Budget& budget) {
  StagePtr stage = std::make_unique<OutputStage>(column_slots_, rows, budget);
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    stage = (*step)(std::move(stage), matched, budget);
  }
  steps_.clear();
  return stage;
}

}  // namespace landfall::logs::insights
