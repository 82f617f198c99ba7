"""A job that fails on purpose, and what happens around it.

`use` fails. `celebrate` waits for success and therefore never starts: its upstream failed, and so does the run.
`alarm` starts because one upstream job failed, `clean_up` because all of them are done, whatever became of them.
Trigger it with `moroccron runs trigger failure_and_cleanup`; a parameter `exit_code` of 0 shows the other way.
"""

from moroccron import DAG, Job, TriggerRule

WORK = '"${TMPDIR:-/tmp}/moroccron/$MOROCCRON_FRAMEWORK_ID/$MOROCCRON_RUN"'

USE = f"""
set -eu
cat {WORK}/scratch
code=$(python3 -c 'import json, os; print(json.loads(os.environ["MOROCCRON_PARAMS"])["exit_code"])')
echo "ending with exit code $code" >&2
exit "$code"
"""

with DAG(
    "failure_and_cleanup",
    schedule=None,
    owners=["examples"],
    tags=["example", "failure"],
    params={"exit_code": 3},
    defaults={"cpus": 0.1, "mem": 32, "timeout": 60, "constraints": ["hostname CLUSTER"]},
):
    prepare = Job("prepare", f"set -eu; mkdir -p {WORK}; date > {WORK}/scratch", doc="Make a file.")
    use = Job("use", USE, doc="Reads the file, then fails as it is told to.")
    celebrate = Job("celebrate", "echo it went well", doc="Only after success.")
    alarm = Job(
        "alarm",
        'echo "$MOROCCRON_DAG went wrong in $MOROCCRON_RUN"',
        trigger_rule=TriggerRule.ONE_FAILED,
        doc="Only after a failure.",
    )
    clean_up = Job(
        "clean_up",
        f"rm -rf {WORK}",
        trigger_rule=TriggerRule.ALL_DONE,
        doc="In any case, at the end.",
    )
    prepare >> use >> [celebrate, alarm]
    [prepare, use] >> clean_up
