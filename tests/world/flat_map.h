// A map and a set for few entries, in the order of their keys, which a world's copy takes over
// without allocating. An insertion moves the others: no reference outlives it.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

namespace windlass::world {

template <class Key, class Value>
class FlatMap {
  public:
    using value_type = std::pair<Key, Value>;
    using iterator = typename std::vector<value_type>::iterator;
    using const_iterator = typename std::vector<value_type>::const_iterator;

    iterator begin() { return entries_.begin(); }
    iterator end() { return entries_.end(); }
    const_iterator begin() const { return entries_.begin(); }
    const_iterator end() const { return entries_.end(); }
    std::size_t size() const { return entries_.size(); }
    bool empty() const { return entries_.empty(); }

    iterator find(const Key& key) { return found(entries_, key); }
    const_iterator find(const Key& key) const { return found(entries_, key); }
    bool contains(const Key& key) const { return find(key) != end(); }
    const Value& at(const Key& key) const { return known(*this, key); }
    Value& at(const Key& key) { return known(*this, key); }
    Value& operator[](const Key& key) {
        const auto place = std::ranges::lower_bound(entries_, key, {}, &value_type::first);
        if (place != end() && place->first == key) return place->second;
        return entries_.emplace(place, key, Value{})->second;
    }
    iterator erase(const_iterator entry) { return entries_.erase(entry); }
    void erase(const Key& key) {
        const auto entry = find(key);
        if (entry != end()) entries_.erase(entry);
    }
    template <class Is>
    void erase_if(Is is) {
        std::erase_if(entries_, is);
    }
    void clear() { entries_.clear(); }

  private:
    template <class Entries>
    static auto found(Entries& entries, const Key& key) {
        const auto place = std::ranges::lower_bound(entries, key, {}, &value_type::first);
        return place != entries.end() && place->first == key ? place : entries.end();
    }

    template <class Map>
    static auto& known(Map& map, const Key& key) {
        const auto entry = map.find(key);
        if (entry == map.end()) throw std::out_of_range{"nothing is known under this key"};
        return entry->second;
    }

    std::vector<value_type> entries_;
};

template <class Key>
class FlatSet {
  public:
    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }
    std::size_t size() const { return entries_.size(); }
    bool empty() const { return entries_.empty(); }
    bool contains(const Key& key) const { return std::ranges::binary_search(entries_, key); }
    void insert(const Key& key) {
        const auto place = std::ranges::lower_bound(entries_, key);
        if (place == end() || *place != key) entries_.insert(place, key);
    }
    void erase(const Key& key) { std::erase(entries_, key); }
    void clear() { entries_.clear(); }

  private:
    std::vector<Key> entries_;
};

}  // namespace windlass::world
