#include "proxy/engine/timers.h"

#include <algorithm>

namespace landfall::proxy {

void Timers::link(Timed& timed, std::int64_t tick) {
  tick = std::clamp(tick, tick_ + 1, tick_ + static_cast<std::int64_t>(kSlots) - 1);
  const auto slot = static_cast<std::size_t>(tick) % kSlots;
  timed.slot_ = static_cast<std::int32_t>(slot);
  timed.previous_ = nullptr;
  timed.next_ = slots_[slot];
  if (timed.next_ != nullptr) timed.next_->previous_ = &timed;
  slots_[slot] = &timed;
  ++linked_;
}

void Timers::remove(Timed& timed) {
  if (timed.slot_ < 0) return;
  if (timed.next_ != nullptr) timed.next_->previous_ = timed.previous_;
  if (timed.previous_ != nullptr) {
    timed.previous_->next_ = timed.next_;
  } else {
    slots_[static_cast<std::size_t>(timed.slot_)] = timed.next_;
  }
  timed.slot_ = -1;
  timed.next_ = timed.previous_ = nullptr;
  --linked_;
}

void Timers::set(Timed& timed, std::int64_t deadline_ms) {
  const bool sooner =
      timed.slot_ < 0 || deadline_ms < timed.deadline_ms_ || timed.deadline_ms_ == 0;
  timed.deadline_ms_ = deadline_ms;
  if (!sooner) return;
  remove(timed);
  link(timed, deadline_ms / kTickMs + 1);
}

void Timers::advance(std::int64_t now_ms) {
  const std::int64_t now_tick = now_ms / kTickMs;
  // After a long pause every slot is looked at once.
  if (now_tick - tick_ > static_cast<std::int64_t>(kSlots)) {
    tick_ = now_tick - static_cast<std::int64_t>(kSlots);
  }
  while (tick_ < now_tick) {
    ++tick_;
    const auto slot = static_cast<std::size_t>(tick_) % kSlots;
    // A handler may remove or link any entry, so the slot is emptied one by one.
    while (Timed* timed = slots_[slot]) {
      remove(*timed);
      if (timed->deadline_ms_ == 0) continue;
      if (timed->deadline_ms_ > now_ms) {
        link(*timed, timed->deadline_ms_ / kTickMs + 1);
        continue;
      }
      timed->deadline_ms_ = 0;
      timed->on_deadline();
    }
  }
}

int Timers::wait_ms(std::int64_t now_ms) const {
  if (linked_ == 0) return -1;
  for (std::int64_t ahead = 1; ahead < static_cast<std::int64_t>(kSlots); ++ahead) {
    if (slots_[static_cast<std::size_t>(tick_ + ahead) % kSlots] == nullptr) continue;
    return static_cast<int>(std::max<std::int64_t>((tick_ + ahead) * kTickMs - now_ms, 0)) + 1;
  }
  return static_cast<int>(kTickMs);
}

}  // namespace landfall::proxy
