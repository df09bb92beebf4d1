// SIGINT and SIGTERM from an early moment on.
#pragma once

#include "io/loop.h"

namespace landfall::io {

// From here on the first signal no longer ends the process: it is kept for
// Loop::wait_for_termination, which otherwise begins to listen only when it is called. A program
// calls this where it makes its loop, before anything that would have to be undone. The second
// signal has the default action again.
void catch_termination(Loop& loop);

// Has a signal come by now?
task<bool> termination_requested(Loop& loop);

}  // namespace landfall::io
