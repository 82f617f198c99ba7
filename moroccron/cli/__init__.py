"""The command line: click commands, a file per noun."""
