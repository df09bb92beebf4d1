#include "store/table.h"

#include "base/log.h"

namespace landfall::store {

void log_unreadable_record(const std::string& key) {
  log::error("store", "record {} cannot be read and is left out", key);
}

}  // namespace landfall::store
