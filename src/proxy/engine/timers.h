// A wheel of deadlines. Moving a deadline further away costs one store: the entry stays where it is
// and is looked at again when its old slot comes.
#pragma once

#include <array>
#include <cstdint>

namespace landfall::proxy {

class Timed {
 public:
  virtual ~Timed() = default;
  // The deadline has passed. It is unset meanwhile.
  virtual void on_deadline() = 0;

 private:
  friend class Timers;
  Timed* next_ = nullptr;
  Timed* previous_ = nullptr;
  std::int64_t deadline_ms_ = 0;  // 0: none
  std::int32_t slot_ = -1;        // where it is linked
};

class Timers {
 public:
  explicit Timers(std::int64_t now_ms) : tick_(now_ms / kTickMs) {}

  void set(Timed& timed, std::int64_t deadline_ms);
  void clear(Timed& timed) { timed.deadline_ms_ = 0; }  // stays linked
  void remove(Timed& timed);                            // before its destruction
  // Calls what is due.
  void advance(std::int64_t now_ms);
  // How long to sleep at most: until the next slot with entries; -1: nothing is linked.
  int wait_ms(std::int64_t now_ms) const;

 private:
  static constexpr std::int64_t kTickMs = 64;
  static constexpr std::size_t kSlots = 1024;  // 65 s; later deadlines go round again
  void link(Timed& timed, std::int64_t tick);

  std::array<Timed*, kSlots> slots_{};
  std::int64_t tick_;  // the last one that was handled
  std::size_t linked_ = 0;
};

}  // namespace landfall::proxy
