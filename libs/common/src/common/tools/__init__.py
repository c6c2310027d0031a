"""What the translator tools of every exchange share: `cgt translate` and `cgt preview`."""
