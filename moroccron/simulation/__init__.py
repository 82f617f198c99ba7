"""A simulated cluster and a virtual clock behind the ports of the real ones."""
