// Where exceptions end: no one of them leaves the C interface.
#pragma once

#include <exception>
#include <new>
#include <string>

namespace drilldown {

// Of this thread; what dd_error says.
inline thread_local std::string latest_error;

// 0, or 1 where `f` raises.
template <class F>
int guarded(F f) {
  try {
    f();
    return 0;
  } catch (const std::bad_alloc&) {
    latest_error = "out of memory";
  } catch (const std::exception& error) {
    latest_error = error.what();
  }
  return 1;
}

}  // namespace drilldown
