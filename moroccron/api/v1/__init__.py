"""The JSON API, one module per noun. Each owns a blueprint; `blueprint` joins them under /api/v1."""
