#include "wire/shape.h"

namespace landfall::wire {
namespace {

// Calls visit with a typed null pointer of the scalar that `kind` stands for.
template <class Visit>
auto with_scalar(Kind kind, Visit&& visit) {
  switch (kind) {
    case Kind::boolean:
      return visit(static_cast<bool*>(nullptr));
    case Kind::int32:
      return visit(static_cast<std::int32_t*>(nullptr));
    case Kind::int64:
      return visit(static_cast<std::int64_t*>(nullptr));
    case Kind::float64:
      return visit(static_cast<double*>(nullptr));
    case Kind::timestamp:
      return visit(static_cast<TimePoint*>(nullptr));
    case Kind::document:
      return visit(static_cast<json::value*>(nullptr));
    default:
      return visit(static_cast<std::string*>(nullptr));
  }
}

struct Entries {
  std::vector<std::pair<const std::string*, const void*>> items;
};

Entries entries_of(const Shape& shape, const void* map) {
  Entries out;
  each_entry(shape, map, [&](const std::string& key, const void* value) {
    out.items.emplace_back(&key, value);
  });
  return out;
}

}  // namespace

const void* look(const Member& member, const void* structure) {
  const void* at = static_cast<const char*>(structure) + member.offset;
  const Shape& shape = *member.shape;
  if (shape.kind == Kind::list) return shape.list->given(at) ? at : nullptr;
  if (shape.kind == Kind::map) return shape.map->given(at) ? at : nullptr;
  if (member.boxed) return shape.structure->look_boxed(at);
  if (!member.optional) return at;
  if (shape.kind == Kind::structure) return shape.structure->look(at);
  return with_scalar(shape.kind, [&]<class T>(T*) -> const void* {
    const auto& held = *static_cast<const std::optional<T>*>(at);
    return held ? &*held : nullptr;
  });
}

void* place(const Member& member, void* structure) {
  void* at = static_cast<char*>(structure) + member.offset;
  const Shape& shape = *member.shape;
  if (shape.kind == Kind::list) {
    shape.list->set_present(at);
    return at;
  }
  if (shape.kind == Kind::map) {
    shape.map->set_present(at);
    return at;
  }
  if (member.boxed) return shape.structure->place_boxed(at);
  if (!member.optional) return at;
  if (shape.kind == Kind::structure) return shape.structure->place(at);
  return with_scalar(shape.kind, [&]<class T>(T*) -> void* {
    return &static_cast<std::optional<T>*>(at)->emplace();
  });
}

bool equal(const Shape& shape, const void* a, const void* b) {
  switch (shape.kind) {
    case Kind::structure:
      return std::ranges::all_of(shape.members, [&](const Member& member) {
        const void* left = look(member, a);
        const void* right = look(member, b);
        return !left == !right && (!left || equal(*member.shape, left, right));
      });
    case Kind::list: {
      if (shape.list->size(a) != shape.list->size(b)) return false;
      const auto* right = static_cast<const char*>(shape.list->data(b));
      bool same = true;
      each_item(shape, a, [&](const void* left) {
        same = same && equal(*shape.element, left, right);
        right += shape.list->stride;
      });
      return same;
    }
    case Kind::map: {
      const Entries left = entries_of(shape, a);
      const Entries right = entries_of(shape, b);
      return std::ranges::equal(left.items, right.items, [&](const auto& x, const auto& y) {
        return *x.first == *y.first && equal(*shape.element, x.second, y.second);
      });
    }
    default:
      return with_scalar(shape.kind, [&]<class T>(T*) {
        return *static_cast<const T*>(a) == *static_cast<const T*>(b);
      });
  }
}

}  // namespace landfall::wire
