// Events and commands as people read them: "RunStarted generation=3 request=17".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/command.h"
#include "core/event.h"
#include "recording/codec.h"

namespace windlass::recording {

// What ids stand for, as far as it is known by then.
class Names {
  public:
    explicit Names(const Origin& origin);

    void note(const core::Event& event);  // it may bring a new model or device
    std::string of(core::ModelId id) const;
    std::string of(core::DeviceId id) const;
    const std::vector<std::string>& models() const { return models_; }
    std::vector<std::string> devices() const;

  private:
    std::vector<std::string> models_;  // by id, from 1 on
    std::map<core::DeviceId, std::string> devices_;
};

// A file may come from anybody: nothing in it may steer a terminal.
std::string printable(std::string_view text);

// Amounts and durations are exact. What is empty or none is left out.
std::string to_text(const core::Event& event, const Names& names);
std::string to_text(const core::Command& command, const Names& names);

}  // namespace windlass::recording
