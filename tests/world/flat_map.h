// A map and a set for few entries, in the order of their keys, which a world's copy takes over
// without allocating. An insertion moves the others: no reference outlives it.
#pragma once

#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>

namespace windlass::world {

template <class Key, class Value>
using FlatMap = boost::container::flat_map<Key, Value>;

template <class Key>
using FlatSet = boost::container::flat_set<Key>;

}  // namespace windlass::world
