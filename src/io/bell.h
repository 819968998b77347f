// Wakes a loop from another thread, which has put something into a Mailbox.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "io/file_descriptor.h"
#include "io/loop.h"
#include "io/readiness.h"

namespace windlass::io {

class Bell {
  public:
    // What another thread rings with; may outlive the bell, and then does nothing. Thread: any.
    class Rope {
      public:
        void pull() const;

      private:
        friend class Bell;
        std::shared_ptr<const FileDescriptor> descriptor_;
    };

    // `on_ring` comes from the loop, once for all pulls since the last time; never after the bell
    // was destroyed, which it must not be within it. Thread: the loop's.
    static base::Result<std::unique_ptr<Bell>> make(Loop& loop, std::function<void()> on_ring);

    const Rope& rope() const { return rope_; }

  private:
    Bell(Loop& loop, FileDescriptor ours, Rope rope, std::function<void()> on_ring);
    void listen();

    const Rope rope_;
    const std::function<void()> on_ring_;
    Readiness readiness_;
};

}  // namespace windlass::io
