"""One folder per outside world, each behind a protocol of moroccron.ports."""
