#include "services/logs/insights/aggregates.h"

#include <cmath>

#include "services/logs/insights/sketches.h"

namespace landfall::logs::insights {

namespace {

struct Count final : Accumulator {
  double count = 0;
  void add(const Value& value, const Position&, Arena&) override { count += value.present(); }
  Value result() override { return Value::of(count); }
  std::size_t bytes() const override { return sizeof *this; }
};

struct CountDistinct final : Accumulator {
  DistinctCount distinct;
  void add(const Value& value, const Position&, Arena& arena) override {
    if (value.present()) distinct.add(to_text(value, arena));
  }
  Value result() override { return Value::of(distinct.count()); }
  std::size_t bytes() const override { return distinct.bytes(); }
};

// Sum, mean and deviation together (Welford), so that large numbers do not cancel out.
enum class Moment { sum, mean, deviation };
template <Moment kMoment>
struct Moments final : Accumulator {
  double count = 0;
  double sum = 0;
  double mean = 0;
  double squares = 0;
  void add(const Value& value, const Position&, Arena&) override {
    const auto number = to_number(value);
    if (!number) return;
    count += 1;
    sum += *number;
    const double distance = *number - mean;
    mean += distance / count;
    squares += distance * (*number - mean);
  }
  Value result() override {
    if (count == 0) return {};
    if (kMoment == Moment::sum) return Value::of(sum);
    if (kMoment == Moment::mean) return Value::of(sum / count);
    return Value::of(std::sqrt(squares / count));
  }
  std::size_t bytes() const override { return sizeof *this; }
};

// The first by some order. min and max compare as filters do; sortsFirst and sortsLast as sort
// does.
enum class First { least, greatest, sorts_first, sorts_last };
template <First kFirst>
struct Extreme final : Accumulator {
  OwnedValue best;
  void add(const Value& value, const Position&, Arena&) override {
    if (!value.present()) return;
    if (best.kind != Value::Kind::none) {
      const int order = kFirst == First::least || kFirst == First::greatest
                            ? compare_values(value, best.view())
                            : compare_for_sort(value, best.view());
      if (kFirst == First::least || kFirst == First::sorts_first ? order >= 0 : order <= 0) return;
    }
    best = OwnedValue(value);
  }
  Value result() override { return best.view(); }
  std::size_t bytes() const override { return best.bytes(); }
};

template <bool kLatest>
struct ByTime final : Accumulator {
  OwnedValue best;
  Position at;
  void add(const Value& value, const Position& order, Arena&) override {
    if (!value.present()) return;
    if (best.kind != Value::Kind::none && (kLatest ? order < at : order > at)) return;
    best = OwnedValue(value);
    at = order;
  }
  Value result() override { return best.view(); }
  std::size_t bytes() const override { return best.bytes() + sizeof at; }
};

struct Percentile final : Accumulator {
  explicit Percentile(double wanted) : percent(wanted) {}
  double percent;
  Percentiles values;
  void add(const Value& value, const Position&, Arena&) override {
    if (const auto number = to_number(value)) values.add(*number);
  }
  Value result() override {
    const auto found = values.at(percent);
    return found ? Value::of(*found) : Value();
  }
  std::size_t bytes() const override { return values.bytes(); }
};

template <class T>
std::unique_ptr<Accumulator> make(double) {
  return std::make_unique<T>();
}
std::unique_ptr<Accumulator> make_percentile(double percent) {
  return std::make_unique<Percentile>(percent);
}

struct Known {
  std::string_view name;  // lower case
  std::unique_ptr<Accumulator> (*make)(double);
};
constexpr Known kKnown[] = {
    {"count", make<Count>},
    {"count_distinct", make<CountDistinct>},
    {"sum", make<Moments<Moment::sum>>},
    {"avg", make<Moments<Moment::mean>>},
    {"stddev", make<Moments<Moment::deviation>>},
    {"min", make<Extreme<First::least>>},
    {"max", make<Extreme<First::greatest>>},
    {"sortsfirst", make<Extreme<First::sorts_first>>},
    {"sortslast", make<Extreme<First::sorts_last>>},
    {"earliest", make<ByTime<false>>},
    {"latest", make<ByTime<true>>},
    {"pct", make_percentile},
};

const Known* find_known(std::string_view name) {
  for (const Known& known : kKnown) {
    if (std::equal(name.begin(), name.end(), known.name.begin(), known.name.end(),
                   [](unsigned char a, char b) { return std::tolower(a) == b; })) {
      return &known;
    }
  }
  return nullptr;
}

}  // namespace

Result<std::optional<Aggregation>> compile_aggregation(const Expr& call, Names& names,
                                                       std::string_view query) {
  const Known* known = find_known(call.text);
  if (known == nullptr) return std::nullopt;
  Aggregation aggregation;
  aggregation.make = known->make;
  const bool percentile = known->name == "pct";
  const bool every = call.args.empty() || call.args[0].kind == Expr::Kind::every;
  if (known->name == "count" && every) return aggregation;
  if (call.args.size() != (percentile ? 2U : 1U) || every) {
    return malformed(query, call.span,
                     percentile ? "pct takes a field and a percentage: pct(field, 95)"
                                : fmt::format("{} takes one field", call.text));
  }
  LF_TRY(argument, compile(call.args[0], names, query));
  aggregation.argument = std::move(argument);
  if (percentile) {
    const Expr& percent = call.args[1];
    if (percent.kind != Expr::Kind::number || percent.number > 100) {
      return malformed(query, percent.span, "the percentage of pct is a number from 0 to 100");
    }
    aggregation.parameter = percent.number;
  }
  return aggregation;
}

}  // namespace landfall::logs::insights
