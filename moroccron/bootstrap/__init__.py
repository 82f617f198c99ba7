"""The only place that builds adapters and joins them. A module per process or need, so that each loads no more."""
