#include "services/logs/insights/stages.h"

#include <algorithm>

namespace landfall::logs::insights {

namespace {

// What the stars of a glob take: each as little as it can, the last one all if nothing follows it.
bool match_glob(const std::vector<std::string>& parts, std::string_view text,
                std::vector<std::string_view>& found) {
  found.clear();
  auto at = text.find(parts[0]);
  if (at == std::string_view::npos) return false;
  at += parts[0].size();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const bool rest = i + 1 == parts.size() && parts[i].empty();
    const auto end = rest ? text.size() : text.find(parts[i], at);
    if (end == std::string_view::npos) return false;
    found.push_back(text.substr(at, end - at));
    at = end + parts[i].size();
  }
  return true;
}

// Texts of values one after the other, each with its size, so that no two lists look the same.
void add_to_key(std::string& key, std::string_view text) {
  key += std::to_string(text.size());
  key += ':';
  key += text;
}

}  // namespace

void ParseStage::push(Row& row, const Position& order) {
  const Value value = pattern_.from->evaluate(row);
  const std::string_view text = to_text(value, row.arena());
  const bool matched =
      value.present() && (pattern_.regex ? pattern_.regex->match(text, found_)
                                         : match_glob(pattern_.glob, text, found_));
  for (std::size_t i = 0; i < pattern_.slots.size(); ++i) {
    if (!pattern_.slots[i]) continue;
    const bool has = matched && i < found_.size() && found_[i].data() != nullptr;
    row.set(*pattern_.slots[i], has ? Value::of(found_[i]) : Value());
  }
  next_->push(row, order);
}

OrderedStage::OrderedStage(Settings settings, const Layout& layout, Budget& budget, StagePtr next)
    : settings_(std::move(settings)), layout_(layout), budget_(budget), next_(std::move(next)) {
  for (const Order::Key& key : settings_.order.keys) {
    const auto at = std::find(settings_.wanted.begin(), settings_.wanted.end(), key.slot);
    order_at_.push_back(static_cast<std::size_t>(at - settings_.wanted.begin()));
  }
}

bool OrderedStage::before(const KeptRow& a, const KeptRow& b) const {
  for (std::size_t i = 0; i < order_at_.size(); ++i) {
    const int order =
        compare_for_sort(a.values[order_at_[i]].view(), b.values[order_at_[i]].view());
    if (order != 0) return settings_.order.keys[i].descending ? order > 0 : order < 0;
  }
  return a.order > b.order;
}

// As before(), for a row that is not kept yet: below 0 when it comes first.
int OrderedStage::compare_to(Row& row, const Position& position, const KeptRow& kept) const {
  for (std::size_t i = 0; i < order_at_.size(); ++i) {
    const Order::Key& key = settings_.order.keys[i];
    const int order = compare_for_sort(row.get(key.slot), kept.values[order_at_[i]].view());
    if (order != 0) return key.descending ? -order : order;
  }
  return position > kept.order ? -1 : position < kept.order ? 1 : 0;
}

KeptRow OrderedStage::keep(Row& row, const Position& order) const {
  KeptRow kept;
  kept.order = order;
  kept.values.reserve(settings_.wanted.size());
  budget_.used += sizeof kept;
  for (const std::size_t slot : settings_.wanted) {
    kept.values.emplace_back(row.get(slot));
    budget_.used += kept.values.back().bytes();
  }
  return kept;
}

void OrderedStage::insert(KeptRow row) {
  const auto first = [this](const KeptRow& a, const KeptRow& b) { return before(a, b); };
  rows_.push_back(std::move(row));
  std::push_heap(rows_.begin(), rows_.end(), first);
  if (rows_.size() <= settings_.limit) return;
  std::pop_heap(rows_.begin(), rows_.end(), first);
  release(rows_.back());
  rows_.pop_back();
}

void OrderedStage::release(const KeptRow& row) const {
  budget_.used -= sizeof row;
  for (const OwnedValue& value : row.values) budget_.used -= value.bytes();
}

// Empty: one of the values is missing.
std::string OrderedStage::key_of(Row& row) const {
  std::string key;
  for (const std::size_t slot : settings_.unique) {
    const Value& value = row.get(slot);
    if (!value.present()) return {};
    add_to_key(key, to_text(value, row.arena()));
  }
  return key;
}

void OrderedStage::push(Row& row, const Position& order) {
  std::string key = settings_.unique.empty() ? std::string() : key_of(row);
  if (key.empty()) {
    if (rows_.size() == settings_.limit && compare_to(row, order, rows_.front()) >= 0) return;
    insert(keep(row, order));
    return;
  }
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    if (compare_to(row, order, found->second) < 0) {
      release(found->second);
      found->second = keep(row, order);
    }
    return;
  }
  budget_.used += key.size() + 64;
  by_key_.emplace(std::move(key), keep(row, order));
}

void OrderedStage::finish() {
  for (auto& [key, row] : by_key_) insert(std::move(row));
  by_key_.clear();
  std::sort(rows_.begin(), rows_.end(),
            [this](const KeptRow& a, const KeptRow& b) { return before(a, b); });
  Row row(layout_);
  for (const KeptRow& kept : rows_) {
    row.begin();
    for (std::size_t i = 0; i < kept.values.size(); ++i) {
      row.set(settings_.wanted[i], kept.values[i].view());
    }
    next_->push(row, kept.order);
  }
  next_->finish();
}

std::optional<std::int64_t> OrderedStage::enough_before_ms() const {
  if (!settings_.order.keys.empty() || !settings_.unique.empty() ||
      rows_.size() < settings_.limit) {
    return {};
  }
  return rows_.front().order.time_ms;
}

StatsStage::Group& StatsStage::group_of(Row& row) {
  key_.clear();
  by_.clear();
  for (const ExpressionPtr& by : settings_.by) {
    by_.push_back(by->evaluate(row));
    if (by_.back().present()) {
      add_to_key(key_, to_text(by_.back(), row.arena()));
    } else {
      key_ += '-';
    }
  }
  const auto [found, added] = groups_.try_emplace(key_);
  Group& group = found->second;
  if (added) {
    budget_.used += key_.size() + 128;
    for (const Value& value : by_) {
      group.by.emplace_back(value);
      budget_.used += group.by.back().bytes();
    }
    for (const Aggregation& one : settings_.aggregations) {
      group.accumulators.push_back(one.make(one.parameter));
    }
  }
  return group;
}

void StatsStage::push(Row& row, const Position& order) {
  Group& group = group_of(row);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < settings_.aggregations.size(); ++i) {
    const ExpressionPtr& argument = settings_.aggregations[i].argument;
    group.accumulators[i]->add(argument ? argument->evaluate(row) : Value::of(true), order,
                               row.arena());
    bytes += group.accumulators[i]->bytes();
  }
  budget_.used += bytes;
  budget_.used -= group.bytes;
  group.bytes = bytes;
}

void StatsStage::finish() {
  // Without `by` there is one row, even of nothing.
  if (settings_.by.empty() && groups_.empty()) {
    Group& group = groups_[""];
    for (const Aggregation& one : settings_.aggregations) {
      group.accumulators.push_back(one.make(one.parameter));
    }
  }
  std::vector<Group*> sorted;
  sorted.reserve(groups_.size());
  for (auto& [key, group] : groups_) sorted.push_back(&group);
  std::sort(sorted.begin(), sorted.end(), [](const Group* a, const Group* b) {
    for (std::size_t i = 0; i < a->by.size(); ++i) {
      const int order = compare_for_sort(a->by[i].view(), b->by[i].view());
      if (order != 0) return order < 0;
    }
    return false;
  });
  Row row(next_layout_);
  // Groups come in order of their values, and keep it where nothing else is asked for.
  std::uint64_t place = sorted.size();
  for (Group* group : sorted) {
    row.begin();
    std::size_t slot = 0;
    for (const OwnedValue& value : group->by) row.set(settings_.slots[slot++], value.view());
    for (const auto& accumulator : group->accumulators) {
      row.set(settings_.slots[slot++], accumulator->result());
    }
    next_->push(row, {0, place--, 0});
  }
  next_->finish();
}

void OutputStage::push(Row& row, const Position&) {
  ResultRow& out = rows_.emplace_back();
  out.reserve(slots_.size());
  for (const std::size_t slot : slots_) {
    const Value& value = row.get(slot);
    out.push_back(value.present() ? std::optional(to_text(value)) : std::nullopt);
    if (out.back()) budget_.used += out.back()->size();
    budget_.used += sizeof(out.back());
  }
}

}  // namespace landfall::logs::insights
