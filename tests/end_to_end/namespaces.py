"""PID namespaces of their own for daemons and clients."""

import os
import subprocess

from support import SOON_S

UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
UNSHARE += [] if os.geteuid() == 0 else ["--map-root-user"]


def why_not_permitted():
    """Why there can be none here; None where they can."""
    told = subprocess.run(UNSHARE + ["true"], stderr=subprocess.PIPE, text=True, timeout=SOON_S)
    return told.stderr.strip() or "unshare failed" if told.returncode != 0 else None
