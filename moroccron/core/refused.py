"""How a command is refused, wherever that turns out."""


class Refused(Exception):
    """A command that cannot be carried out, with the reason. Becomes the command's answer."""
