"""The embedded agent: this machine behind the Driver port, without isolation."""
