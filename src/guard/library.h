// A driver library, opened at run time: nothing of ours is linked with one, so that the same
// program runs where there is none.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "driver_abi/symbol.h"

namespace windlass::guard {

// Stays open for the life of the process: drivers start threads that outlive any dlclose.
// Thread: any.
class Library {
  public:
    // `name`: a soname, found as the loader finds it, or a path. `driver_missing` when it cannot be
    // opened.
    static base::Result<Library> open(const std::string& name);
    // Only if somebody in this process has opened it.
    static std::optional<Library> find_open(const std::string& name);

    const std::string& name() const { return name_; }

    // Null when this version of the library has no such function.
    template <class F>
    F* find(driver_abi::Symbol<F> symbol) const {
        return reinterpret_cast<F*>(address_of(symbol.name));
    }

  private:
    Library(std::string name, void* handle) : name_(std::move(name)), handle_(handle) {}
    void* address_of(const char* symbol) const;

    std::string name_;
    void* handle_;
};

}  // namespace windlass::guard
