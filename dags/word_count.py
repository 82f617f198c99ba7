"""Which words occur most often in the texts of this machine.

A small map-reduce: `split` lists the texts and deals them out, four `count` jobs each count the words of their
share side by side, `merge` adds up and prints the twenty most frequent. It runs every two minutes, so that a
newcomer soon sees one.

Jobs of a run hand files to each other in a folder of their own choosing, which `merge` removes as its very last
step, so that it can be tried again. The folder is on one machine, which is why all of them carry the
constraint `hostname CLUSTER`: whichever agent gets the first gets the others.
"""

from moroccron import DAG, Job

SHARES = 4
FOLDER = '"${TMPDIR:-/tmp}/moroccron/$MOROCCRON_FRAMEWORK_ID/$MOROCCRON_RUN"'
WORK = f"cd {FOLDER}"

SPLIT = f"""
set -eu
mkdir -p {FOLDER}
{WORK}
find /usr/share/common-licenses /usr/share/doc /etc -type f -size -200k \
    \\( -path '*licenses*' -o -name copyright -o -name '*.conf' \\) -readable 2>/dev/null |
    sort | head -n 400 > texts || true
awk '{{ print > ("share." NR % {SHARES}) }}' texts
for share in $(seq 0 {SHARES - 1}); do touch "share.$share"; done
echo "$(wc -l < texts) texts in {SHARES} shares"
"""

COUNT = """
set -eu
{work}
xargs -r -d '\\n' cat -- < share.{share} | tr -cs '[:alpha:]' '\\n' | tr '[:upper:]' '[:lower:]' |
    sort | uniq -c > counts.{share}
echo "$(wc -l < counts.{share}) different words in $(wc -l < share.{share}) texts"
"""

MERGE = f"""
set -eu
{WORK}
cat counts.* | awk 'length($2) > 3 {{ sum[$2] += $1 }} END {{ for (word in sum) print sum[word], word }}' |
    sort -k1,1nr -k2 > sorted
head -n 20 sorted
rm -r "$PWD" || echo "$PWD is left over" >&2
"""

with DAG(
    "word_count",
    schedule="*/2 * * * *",
    max_active_runs=1,
    owners=["examples"],
    tags=["example", "map-reduce"],
    defaults={
        "cpus": 0.1,
        "mem": 32,
        "timeout": 60,
        "retries": 1,
        "constraints": [("hostname", "CLUSTER")],
    },
):
    split = Job("split", SPLIT, doc="List the texts and deal them out.")
    counts = [
        Job(f"count_{share}", COUNT.format(work=WORK, share=share), doc=f"Count share {share}.")
        for share in range(SHARES)
    ]
    merge = Job("merge", MERGE, doc="Add up, print the most frequent, and clear away.")
    split >> counts >> merge
