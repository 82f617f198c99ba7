"""The JSON API, one module per noun. Each owns a blueprint; `api.app` puts them under /api/v1."""
