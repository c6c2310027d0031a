"""Each user's events: numbered once for all gateway instances, kept for a while, sent to every frontend listening."""
