// One at a time. Records of a service check each other (no subnet goes while an interface is in
// it), and a store's conditions cover single keys: with one writer, what a handler has read still
// holds when it commits.
#pragma once

#include <utility>

#include "io/loop.h"

namespace landfall::io {

class Exclusive {
 public:
  explicit Exclusive(Loop& loop) : free_(loop) {}
  class Guard {
   public:
    explicit Guard(Exclusive* owner) : owner_(owner) {}
    Guard(Guard&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    ~Guard() {
      if (!owner_) return;
      owner_->taken_ = false;
      owner_->free_.notify_all();
    }

   private:
    Exclusive* owner_;
  };
  // Resumes when nobody else holds the guard.
  task<Guard> enter() {
    while (taken_) co_await free_.wait();
    taken_ = true;
    co_return Guard(this);
  }

 private:
  Event free_;
  bool taken_ = false;
};

}  // namespace landfall::io
