// A generated structure on the heap whose type only its Shape knows: an operation's input or
// output.
#pragma once

#include <utility>

#include "base/check.h"
#include "wire/shape.h"

namespace landfall::wire {

class Object {
 public:
  Object() = default;
  explicit Object(const Shape& shape) : shape_(&shape), value_(shape.structure->make()) {}
  template <Modelled T>
  static Object of(T value) {
    Object out(T::kShape);
    out.as<T>() = std::move(value);
    return out;
  }
  Object(Object&& other) noexcept
      : shape_(std::exchange(other.shape_, nullptr)),
        value_(std::exchange(other.value_, nullptr)) {}
  Object& operator=(Object&& other) noexcept {
    std::swap(shape_, other.shape_);
    std::swap(value_, other.value_);
    return *this;
  }
  ~Object() {
    if (value_) shape_->structure->destroy(value_);
  }

  explicit operator bool() const { return value_ != nullptr; }
  const Shape& shape() const { return *shape_; }
  void* get() { return value_; }
  const void* get() const { return value_; }
  template <Modelled T>
  T& as() {
    CHECK(shape_ == &T::kShape);
    return *static_cast<T*>(value_);
  }

 private:
  const Shape* shape_ = nullptr;
  void* value_ = nullptr;
};

}  // namespace landfall::wire
