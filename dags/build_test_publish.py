"""Build a small Python program, test it, and publish it when the tests are good.

Nothing fires it: trigger it with `moroccron runs trigger build_test_publish`, and another version with the
parameter `version`. What is published lies in `published` of this installation's folder in
`/tmp/moroccron` afterwards; the last line of `publish` tells where.
"""

from moroccron import DAG, Job, chain

ENTER = """
set -eu
base="${TMPDIR:-/tmp}/moroccron/$MOROCCRON_FRAMEWORK_ID"
mkdir -p "$base/$MOROCCRON_RUN"
cd "$base/$MOROCCRON_RUN"
"""

SOURCE = (
    ENTER
    + r"""
mkdir -p src
version=$(python3 -c 'import json, os; print(json.loads(os.environ["MOROCCRON_PARAMS"])["version"])')
cat > src/greeting.py <<'PYTHON'
def greet(name: str) -> str:
    return f"Hello, {name}!"
PYTHON
cat > src/__main__.py <<PYTHON
import sys
from greeting import greet
print(greet(sys.argv[1]) if len(sys.argv) > 1 else "greeter $version")
PYTHON
echo "$version" > version
"""
)

BUILD = (
    ENTER + "python3 -m zipapp src -o greeter.pyz -p '/usr/bin/env python3'\nls -l greeter.pyz\n"
)

UNIT_TEST = (
    ENTER
    + """
cd src
python3 -c 'from greeting import greet; assert greet("Ada") == "Hello, Ada!", greet("Ada")'
echo "the function greets"
"""
)

SMOKE_TEST = (
    ENTER
    + """
[ "$(python3 greeter.pyz Ada)" = "Hello, Ada!" ]
[ "$(python3 greeter.pyz)" = "greeter $(cat version)" ]
echo "the program greets and knows its version"
"""
)

PUBLISH = (
    ENTER
    + """
mkdir -p "$base/published"
name="greeter-$(cat version).pyz"
cp greeter.pyz "$base/published/.$name.$MOROCCRON_TASK_ID"
mv "$base/published/.$name.$MOROCCRON_TASK_ID" "$base/published/$name"
sha256sum "$base/published/$name"
rm -r "$base/$MOROCCRON_RUN"
"""
)

with DAG(
    "build_test_publish",
    schedule=None,
    owners=["examples"],
    tags=["example", "build"],
    params={"version": "1.0"},
    defaults={"cpus": 0.2, "mem": 64, "timeout": 120, "constraints": ["hostname CLUSTER"]},
):
    chain(
        Job("source", SOURCE, doc="Write the program, with the version that was asked for."),
        Job("build", BUILD, doc="Pack it into one file."),
        [
            Job("unit_test", UNIT_TEST, doc="The function, on its own."),
            Job("smoke_test", SMOKE_TEST, doc="The packed program, from outside."),
        ],
        Job(
            "publish",
            PUBLISH,
            doc="Put it in its place in one move, so that nobody sees half of it.",
        ),
    )
