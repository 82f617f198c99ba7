"""What people see, one module per page. Each answers one question; the templates hold the words."""
