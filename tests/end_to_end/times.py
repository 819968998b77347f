"""The deadlines of the end-to-end tests, in seconds."""

import os

TIME_FACTOR = float(os.environ.get("WINDLASS_TIME_FACTOR", "1"))
SOON_S = 10 * TIME_FACTOR  # for what happens at once on a quiet machine
AT_ONCE_S = 1 * TIME_FACTOR  # upper bound where a scenario promises one
REPLY_S = 20 * TIME_FACTOR  # for any reply; above every limit that the tests give the daemon
