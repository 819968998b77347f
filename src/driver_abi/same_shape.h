// Whether a function of ours can stand for one of the vendor's: as many parameters, each passed the
// same way. Types have other names there, so more cannot be compared. For vendor_*_test.cpp.
#pragma once

#include <type_traits>

#include "driver_abi/symbol.h"

namespace windlass::driver_abi {

template <class A, class B>
consteval bool is_same_shape() {
    constexpr bool integers = (std::is_integral_v<A> || std::is_enum_v<A>)&&  //
        (std::is_integral_v<B> || std::is_enum_v<B>);
    constexpr bool pointers = std::is_pointer_v<A> && std::is_pointer_v<B>;
    if constexpr (pointers && std::is_object_v<std::remove_pointer_t<A>> &&
                  std::is_object_v<std::remove_pointer_t<B>>) {
        using To = std::remove_pointer_t<A>;
        using Other = std::remove_pointer_t<B>;
        if constexpr (requires {
                          sizeof(To);
                          sizeof(Other);
                      })
            return sizeof(To) == sizeof(Other);
        return true;  // both opaque
    }
    return sizeof(A) == sizeof(B) && (integers || pointers || std::is_same_v<A, B>);
}

template <class A, class B>
struct SameShape : std::false_type {};
template <class R, class... P, class S, class... Q>
requires(sizeof...(P) == sizeof...(Q)) struct SameShape<R(P...), S(Q...)>
    : std::bool_constant<is_same_shape<R, S>() && (is_same_shape<P, Q>() && ...)> {
};

template <class F, class G>
consteval bool stands_for(Symbol<F>, G*) {
    return SameShape<F, G>::value;
}

}  // namespace windlass::driver_abi
