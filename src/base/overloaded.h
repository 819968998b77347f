// Builds one visitor for std::visit out of several lambdas.
#pragma once

namespace windlass::base {

template <class... Functions>
struct Overloaded : Functions... {
    using Functions::operator()...;
};

}  // namespace windlass::base
