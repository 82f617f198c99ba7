"""docs/trigger-rules.md: every trigger rule's verdict on up to four upstream jobs, made of the rules themselves."""

from collections.abc import Callable
from functools import partial
from itertools import combinations_with_replacement

from moroccron.core.rules import RuleVerdict, min_success, rule_verdict
from moroccron.core.tally import COUNTED, Kind, Tally
from moroccron.model.dag_version import TriggerRule

MOST = 4  #: upstream jobs

_LETTERS = {
    Kind.SUCCEEDED: "S",
    Kind.FAILED: "F",
    Kind.UPSTREAM_FAILED: "U",
    Kind.SKIPPED: "K",
    Kind.OPEN: "o",
}
_WORDS = {
    RuleVerdict.WAIT: "",
    RuleVerdict.RUN: "**run**",
    RuleVerdict.SKIP: "skip",
    RuleVerdict.UPSTREAM_FAILED: "fail",
}
_HEAD = """\
# Truth table of the trigger rules

<!-- Made by `python -m moroccron.cli.reference docs`; change the code instead. -->

[semantics.md](semantics.md) says the same in words. A row is a set of upstream jobs in any order: **S** succeeded;
**F** failed, lost or killed; **U** upstream_failed; **K** skipped; **o** not over. A cell says what
the rule makes of the job: run, skip (skipped), fail (upstream_failed); empty: it waits. A job without upstream jobs
runs, whatever its rule. An edge with `allow_failure` counts F and U as S.
"""


def page() -> str:
    """The page's text."""
    columns: dict[str, Callable[[Tally], RuleVerdict]] = {
        rule.value: partial(rule_verdict, rule) for rule in TriggerRule
    }
    columns["min_success=2"] = partial(min_success, 2)
    parts = [_HEAD]
    for size in range(1, MOST + 1):
        parts.append(f"## {size} upstream job{'s' if size > 1 else ''}\n")
        parts.append("| |" + "|".join(f" {name} " for name in columns) + "|")
        parts.append("|---|" + "---|" * len(columns))
        for kinds in combinations_with_replacement(_LETTERS, size):
            tally = Tally(*(kinds.count(kind) for kind in COUNTED))
            cells = "|".join(_WORDS[judge(tally)] for judge in columns.values())
            parts.append(f"| {''.join(_LETTERS[kind] for kind in kinds)} |{cells}|")
        parts.append("")
    return "\n".join(parts)
