#include "services/cloudwatch/queries.h"

#include <algorithm>

#include "services/cloudwatch/search.h"

namespace landfall::cloudwatch {
namespace {

constexpr std::size_t kMostFound = 100;        // by one search
constexpr std::size_t kMostPeriods = 200'000;  // read for one query

std::int64_t floor_to(std::int64_t time_s, std::int64_t period_s) {
  return time_s - time_s % period_s;
}

math::Frame frame_of(std::int64_t from_s, std::int64_t to_s, std::int64_t period_s) {
  // Periods begin at whole minutes (or at their own multiples, below one).
  const std::int64_t begin_s = floor_to(from_s, std::min<std::int64_t>(period_s, 60));
  return {
      .from_s = begin_s,
      .period_s = period_s,
      .count = std::size_t(std::max<std::int64_t>(0, (to_s - begin_s + period_s - 1) / period_s))};
}

bool valid_id(std::string_view id) {
  return !id.empty() && id[0] >= 'a' && id[0] <= 'z' &&
         std::ranges::all_of(id, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

// The period that the expression's searches ask for; 0: none does.
Result<std::int64_t> search_period(const math::Expression& expression) {
  std::int64_t period_s = 0;
  for (const math::Expression* call : math::calls_of(expression, "SEARCH")) {
    LF_TRY(search, math::search_of(*call));
    if (period_s != 0 && search.period_s != 0 && search.period_s != period_s) {
      return fail("math", "the searches of an expression must have one period");
    }
    if (search.period_s != 0) period_s = search.period_s;
  }
  return period_s;
}

// As a search shows what it has found.
std::string found_label(const MetricKey& metric) {
  std::string out;
  for (const auto& [name, value] : metric.dimensions) out += value + " ";
  return out + metric.name;
}

// ${MAX}, ${LAST}, ${PROP('MetricName')} and so on in a label.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/graph-dynamic-labels.html
std::string filled_label(const std::string& label, const math::TimeSeries& series,
                         const std::string& otherwise) {
  std::string out;
  for (std::size_t at = 0; at < label.size();) {
    const std::size_t start = label.find("${", at);
    const std::size_t end = start == label.npos ? start : label.find('}', start);
    if (end == label.npos) return out + label.substr(at);
    out += label.substr(at, start - at);
    const std::string name = label.substr(start + 2, end - start - 2);
    const auto& points = series.points;
    const auto number = [&](double value) { out += fmt::format("{}", value); };
    double sum = 0;
    for (const auto& point : points) sum += point.value;
    if (name == "LABEL") {
      out += otherwise;
    } else if (name == "DATAPOINT_COUNT") {
      number(double(points.size()));
    } else if (points.empty()) {
      out += "--";
    } else if (name == "SUM") {
      number(sum);
    } else if (name == "AVG") {
      number(sum / double(points.size()));
    } else if (name == "FIRST") {
      number(points.front().value);
    } else if (name == "LAST") {
      number(points.back().value);
    } else if (name == "MIN") {
      number(std::ranges::min(points, {}, &math::TimePointValue::value).value);
    } else if (name == "MAX") {
      number(std::ranges::max(points, {}, &math::TimePointValue::value).value);
    } else {
      out += label.substr(start, end - start + 1);
    }
    at = end + 1;
  }
  return out;
}

}  // namespace

MetricKey key_of(const std::string& space, const std::string& name,
                 const wire::List<Dimension>& dimensions) {
  MetricKey out{.space = space, .name = name, .dimensions = {}};
  for (const Dimension& dimension : dimensions) out.dimensions[dimension.name] = dimension.value;
  return out;
}

bool valid_period(std::int64_t period_s) {
  return period_s == 1 || period_s == 5 || period_s == 10 || period_s == 20 || period_s == 30 ||
         (period_s > 0 && period_s % 60 == 0);
}

Result<MetricQueries> MetricQueries::prepare(const Scope& scope,
                                             std::vector<MetricDataQuery> queries,
                                             std::string_view parameter) {
  MetricQueries out;
  out.scope_ = scope;
  std::size_t index = 0;
  for (MetricDataQuery& query : queries) {
    const std::string where = fmt::format("{}.member.{}", parameter, ++index);
    if (!valid_id(query.id)) {
      return invalid(
          fmt::format("The value {} for parameter {}.Id is not matching the expected "
                      "pattern ^[a-z][a-zA-Z0-9_]*$.",
                      query.id, where));
    }
    if (out.find(query.id))
      return invalid(fmt::format("The values for parameter id in {} are not unique.", parameter));
    if (query.metric_stat.has_value() == query.expression.has_value()) {
      return invalid(fmt::format(
          "The parameters {}.Expression and {}.MetricStat are mutually exclusive and one of them "
          "is required.",
          where, where));
    }
    if (query.account_id && *query.account_id != scope.account)
      return invalid(
          fmt::format("{}.AccountId: only this account's metrics are served here.", where));
    Prepared made;
    if (query.metric_stat) {
      const MetricStat& stat = *query.metric_stat;
      made.period_s = stat.period;
      made.statistic = Statistic::parse(stat.stat);
      if (!made.statistic) {
        return invalid(fmt::format(
            "The value {} for parameter {}.MetricStat.Stat is not supported.", stat.stat, where));
      }
      if (!stat.metric.metric_name || !stat.metric.namespace_) {
        return invalid(fmt::format(
            "The parameter {}.MetricStat.Metric needs a Namespace and a MetricName.", where));
      }
      made.metric =
          key_of(*stat.metric.namespace_, *stat.metric.metric_name, stat.metric.dimensions);
    } else {
      if (query.expression->starts_with("SELECT ")) {
        return invalid(fmt::format("Error in expression '{}': Metrics Insights is not served here.",
                                   query.id));
      }
      auto parsed = math::parse(*query.expression);
      if (!parsed) {
        return invalid(
            fmt::format("Error in expression '{}': {}", query.id, parsed.error().message));
      }
      made.expression = std::move(*parsed);
      made.period_s = query.period.value_or(0);
      if (auto period = search_period(*made.expression); !period) {
        return invalid(
            fmt::format("Error in expression '{}': {}", query.id, period.error().message));
      } else if (made.period_s == 0) {
        made.period_s = *period;
      }
    }
    if (made.period_s != 0 && !valid_period(made.period_s)) {
      return invalid(
          fmt::format("The value {} for parameter {}.Period is not valid: it must be 1, "
                      "5, 10, 20, 30 or a multiple of 60.",
                      made.period_s, where));
    }
    out.longest_period_s_ = std::max(out.longest_period_s_, made.period_s);
    made.query = std::move(query);
    out.queries_.push_back(std::move(made));
  }
  if (out.longest_period_s_ == 0) out.longest_period_s_ = 300;
  for (Prepared& query : out.queries_) {
    if (query.period_s == 0) query.period_s = out.longest_period_s_;
  }
  const bool any = std::ranges::any_of(
      out.queries_, [](const Prepared& query) { return query.query.return_data.value_or(true); });
  if (!any) return invalid("At least one of the queries must return data.");
  return out;
}

const MetricQueries::Prepared* MetricQueries::find(const std::string& id) const {
  for (const Prepared& query : queries_) {
    if (query.query.id == id) return &query;
  }
  return nullptr;
}

bool MetricQueries::searches() const {
  return std::ranges::any_of(queries_, [](const Prepared& query) {
    return query.expression && !math::calls_of(*query.expression, "SEARCH").empty();
  });
}

std::size_t MetricQueries::returned() const {
  return std::size_t(std::ranges::count_if(
      queries_, [](const Prepared& query) { return query.query.return_data.value_or(true); }));
}

std::vector<MetricKey> MetricQueries::metrics() const {
  std::vector<MetricKey> out;
  for (const Prepared& query : queries_) {
    if (query.statistic) out.push_back(query.metric);
  }
  return out;
}

struct MetricQueries::Run {
  const MetricStore& store;
  std::int64_t from_s;
  std::int64_t to_s;
  std::map<std::string, math::Value> known;
  std::vector<std::string> under_way;
};

Result<math::Array> MetricQueries::search(const Run& run, const std::string& text,
                                          const std::string& statistic, const math::Frame& frame,
                                          std::int64_t period_s) const {
  LF_TRY(wanted, MetricSearch::parse(text));
  const auto measure = Statistic::parse(statistic);
  if (!measure) return fail("math", fmt::format("the statistic {} is not known", statistic));
  if (period_s != 0 && period_s != frame.period_s) {
    return fail("math", "the period of the search is not that of the query");
  }
  math::Array out;
  for (const auto& [metric, units] : run.store.metrics(scope_)) {
    if (!wanted.matches(metric)) continue;
    math::TimeSeries series{.label = found_label(metric), .points = {}};
    std::int64_t time_s = frame.from_s;
    for (const Bucket& bucket :
         run.store.read(scope_, metric, "", {frame.from_s, frame.period_s, frame.count})) {
      if (const auto value = measure->of(bucket)) series.points.push_back({time_s, *value});
      time_s += frame.period_s;
    }
    if (series.points.empty()) continue;
    out.push_back(std::move(series));
    if (out.size() == kMostFound) break;
  }
  return out;
}

Result<math::Value> MetricQueries::compute(Run& run, const Prepared& query) const {
  const std::string& id = query.query.id;
  if (const auto known = run.known.find(id); known != run.known.end()) return known->second;
  const math::Frame frame = frame_of(run.from_s, run.to_s, query.period_s);
  if (frame.count > kMostPeriods) {
    return invalid(fmt::format("The query {} asks for {} periods; at most {} are read at once.", id,
                               frame.count, kMostPeriods));
  }
  math::Value out;
  if (query.statistic) {
    math::TimeSeries series{.label = query.metric.name, .points = {}};
    std::int64_t time_s = frame.from_s;
    for (const Bucket& bucket :
         run.store.read(scope_, query.metric, query.query.metric_stat->unit.value_or(""),
                        {frame.from_s, frame.period_s, frame.count})) {
      if (const auto value = query.statistic->of(bucket)) series.points.push_back({time_s, *value});
      time_s += frame.period_s;
    }
    out = std::move(series);
  } else {
    if (std::ranges::find(run.under_way, id) != run.under_way.end())
      return fail("math", "the expressions refer to each other in a circle");
    run.under_way.push_back(id);
    const math::Surroundings around{
        .frame = frame,
        .find = [&](const std::string& other) -> Result<math::Value> {
          const Prepared* found = find(other);
          if (!found) return fail("math", fmt::format("there is no query '{}'", other));
          return compute(run, *found);
        },
        .metrics =
            [&](const std::string& part) {
              math::Array all;
              for (const Prepared& other : queries_) {
                if (!other.statistic || !other.query.id.contains(part)) continue;
                if (auto value = compute(run, other))
                  all.push_back(std::get<math::TimeSeries>(std::move(*value)));
              }
              return all;
            },
        .period =
            [&](const std::string& other) {
              const Prepared* found = find(other);
              return found ? found->period_s : 0;
            },
        .search =
            [&](const std::string& text, const std::string& statistic, std::int64_t period_s) {
              return search(run, text, statistic, frame, period_s);
            }};
    auto computed = math::evaluate(*query.expression, around);
    run.under_way.pop_back();
    if (!computed) {
      if (computed.error().code != "math") return computed;
      return invalid(fmt::format("Error in expression '{}': {}", id, computed.error().message));
    }
    out = std::move(*computed);
  }
  run.known.emplace(id, out);
  return out;
}

Result<std::vector<QueryResult>> MetricQueries::run(const MetricStore& store, std::int64_t from_s,
                                                    std::int64_t to_s) const {
  Run run{store, from_s, to_s, {}, {}};
  std::vector<QueryResult> out;
  for (const Prepared& query : queries_) {
    if (!query.query.return_data.value_or(true)) continue;
    LF_TRY(value, compute(run, query));
    const auto add = [&](math::TimeSeries series) {
      const std::string plain = query.statistic ? query.metric.name : query.query.id;
      series.label = query.query.label && !query.query.label->empty()
                         ? filled_label(*query.query.label, series, plain)
                         : plain;
      out.push_back({.id = query.query.id, .series = std::move(series)});
    };
    if (auto* series = std::get_if<math::TimeSeries>(&value)) {
      add(std::move(*series));
    } else if (auto* array = std::get_if<math::Array>(&value)) {
      for (math::TimeSeries& item : *array) {
        const std::string own = item.label;
        add(std::move(item));
        // The series of an array keep their names apart.
        if (!query.query.label && !own.empty()) out.back().series.label = own;
      }
    } else {
      return invalid(fmt::format(
          "Error in expression '{}': the result is not a time series. (TIME_SERIES makes one of a "
          "number.)",
          query.query.id));
    }
  }
  return out;
}

}  // namespace landfall::cloudwatch
