"""`pushforward completion`: names and options that the shell completes."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.options import options_of

__all__ = ["Completion"]

_BASH = """\
_pushforward() {{
  local words="{commands}" current="${{COMP_WORDS[COMP_CWORD]}}"
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "${{COMP_WORDS[1]}}" in
{cases}
      *) words="" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ ${{#COMPREPLY[@]}} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}}
complete -o filenames -F _pushforward pushforward
"""


@dataclass(frozen=True, kw_only=True)
class Completion(AbstractCommand):
    """Print what makes a shell complete commands, options and files: `source <(pushforward completion bash)`."""

    shell: Annotated[tyro.conf.Positional[Literal["bash", "zsh", "fish"]], tyro.conf.arg(metavar="SHELL")] = (
        "bash"
    )
    """bash, zsh or fish. To keep it, write it to the file that your shell reads at its start."""

    def run(self) -> Outcome:
        """Write the script from the commands as they are."""
        from pushforward.commands import COMMANDS

        options: dict[str, list[str]] = {}
        for name, (place, _) in COMMANDS.items():
            module, _, attribute = place.partition(":")
            kind: Any = getattr(importlib.import_module(module), attribute).chosen([])
            options[name] = sorted(f"--{option}" for option in options_of(kind))
        return Outcome(_fish(options) if self.shell == "fish" else _bash(options, self.shell))


def _bash(options: dict[str, list[str]], shell: str) -> str:
    cases = "\n".join(f'      {name}) words="{" ".join(given)}" ;;' for name, given in options.items())
    script = _BASH.format(commands=" ".join(options), cases=cases)
    # zsh reads bash's completions once it is told to.
    return ("autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else "") + script.rstrip()


def _fish(options: dict[str, list[str]]) -> str:
    lines = [f"complete -c pushforward -n __fish_use_subcommand -a '{' '.join(options)}'"]
    for name, given in options.items():
        lines += [
            f"complete -c pushforward -n '__fish_seen_subcommand_from {name}' -l {option.removeprefix('--')}"
            for option in given
        ]
    return "\n".join(lines)
