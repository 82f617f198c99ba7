"""Last night's figures of this machine, from a source that is not always ready.

`measure` fails on its first attempt about every other time, as sources do, and is tried again after two seconds:
see its attempts. The report names the data interval that the run is about.
"""

from datetime import timedelta

from moroccron import DAG, Job

MEASURE = """
set -eu
if [ "$MOROCCRON_ATTEMPT" -eq 1 ] && [ "$(($(date +%s) % 2))" -eq 1 ]; then
    echo "the source is busy, try again later" >&2
    exit 75
fi
mkdir -p "${TMPDIR:-/tmp}/moroccron/$MOROCCRON_FRAMEWORK_ID/$MOROCCRON_RUN"
cd "${TMPDIR:-/tmp}/moroccron/$MOROCCRON_FRAMEWORK_ID/$MOROCCRON_RUN"
df -P / | awk 'NR == 2 { print "disk used", $5 }' > figures
awk '/MemAvailable/ { printf "memory available %d MiB\\n", $2 / 1024 }' /proc/meminfo >> figures
awk '{ print "load", $1, $2, $3 }' /proc/loadavg >> figures
cat figures
"""

REPORT = """
set -eu
cd "${TMPDIR:-/tmp}/moroccron/$MOROCCRON_FRAMEWORK_ID/$MOROCCRON_RUN"
echo "Figures from $MOROCCRON_INTERVAL_START to $MOROCCRON_INTERVAL_END"
sort figures
rm -r "$PWD"
"""

with DAG(
    "nightly_report",
    schedule="30 2 * * *",
    timezone="Europe/Berlin",
    owners=["examples"],
    tags=["example", "report"],
    defaults={"cpus": 0.1, "mem": 32, "constraints": [("hostname", "CLUSTER")]},
):
    measure = Job(
        "measure",
        MEASURE,
        retries=3,
        retry_delay=timedelta(seconds=2),
        timeout=timedelta(minutes=1),
        doc="Take the figures; fails now and then at its first attempt.",
    )
    report = Job("report", REPORT, doc="Print them with the interval that they are about.")
    measure >> report
