// Result<T>: a value or an Error. Dropping one is a compile error (std::expected of GCC 12 is not
// nodiscard); WL_TRY hands an error up.
#pragma once

#include <concepts>
#include <expected>
#include <string>
#include <utility>

#include "base/error.h"

namespace windlass::base {

template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
  public:
    using Base = std::expected<T, Error>;
    using Base::Base;
    // NOLINTNEXTLINE(google-explicit-constructor): `return Error{...}` is the idiom
    Result(Error error) : Base(std::unexpect, std::move(error)) {}
};

}  // namespace windlass::base

// Evaluates to the value of a Result, or returns its error from the enclosing function. A statement
// expression (GCC, Clang), so that it works for values, moves and void alike; each use has a name
// of its own, so that uses nest.
#define WL_TRY(expression) WL_TRY_NAMED(expression, WL_TRY_JOIN(wl_result_, __COUNTER__))
#define WL_TRY_JOIN(prefix, number) WL_TRY_JOIN_EXPANDED(prefix, number)
#define WL_TRY_JOIN_EXPANDED(prefix, number) prefix##number
// NOLINTBEGIN(bugprone-macro-parentheses): `result` is a name that is declared, not a value
#define WL_TRY_NAMED(expression, result)                                        \
    __extension__({                                                             \
        auto&& result = (expression);                                           \
        if (!result) return ::windlass::base::Error(std::move(result).error()); \
        std::move(result).value();                                              \
    })
// NOLINTEND(bugprone-macro-parentheses)
