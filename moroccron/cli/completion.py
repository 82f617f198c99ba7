"""`moroccron completion`: what a shell needs to complete commands, flags and ids."""

import click
from click.shell_completion import get_completion_class

from moroccron.cli.options import json_option
from moroccron.cli.output import emit_json

_VARIABLE = "_MOROCCRON_COMPLETE"

_INSTALL = {
    "bash": 'eval "$(moroccron completion bash)"  # in ~/.bashrc',
    "zsh": 'eval "$(moroccron completion zsh)"  # in ~/.zshrc',
    "fish": "moroccron completion fish > ~/.config/fish/completions/moroccron.fish",
}


@click.command(
    "completion",
    epilog="\b\nTo have it always:\n" + "\n".join(f"  {line}" for line in _INSTALL.values()),
)
@click.argument("shell", type=click.Choice(list(_INSTALL)))
@json_option
@click.pass_context
def command(ctx: click.Context, shell: str, as_json: bool) -> None:
    """Print the completion script of a SHELL."""
    kind = get_completion_class(shell)
    assert kind is not None, shell
    script = kind(ctx.find_root().command, {}, "moroccron", _VARIABLE).source()
    if as_json:
        emit_json({"shell": shell, "script": script, "install": _INSTALL[shell]})
    else:
        click.echo(script)
