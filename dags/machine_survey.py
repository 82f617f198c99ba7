"""What the agents are made of: one survey each of processors, memory, disks and files.

It shows constraints. `hostname MAX_PER 2` lets at most two of the surveys be on one machine at a time: with a
single agent two run and two wait, with two agents all four run at once. `hostname UNLIKE` keeps them off machines
whose name says that they are for something else.
"""

from datetime import timedelta

from moroccron import DAG, Constraint, Job, Operator

SURVEYS = {
    "processors": "uname -srm; nproc; grep -m 1 'model name' /proc/cpuinfo || true",
    "memory": "head -n 3 /proc/meminfo",
    "disks": "df -h -x tmpfs -x devtmpfs 2>/dev/null || df -h",
    "files": "for d in /etc /usr/bin; do echo $d $(find $d -xdev 2>/dev/null | wc -l) files; done",
}

with DAG(
    "machine_survey",
    schedule=timedelta(hours=1),
    owners=["examples"],
    tags=["example", "constraints"],
    defaults={
        "cpus": 0.1,
        "mem": 32,
        "timeout": 60,
        "constraints": [
            Constraint("hostname", Operator.MAX_PER, "2"),
            "hostname UNLIKE (db|mail)[0-9]*",
        ],
    },
):
    surveys = [
        Job(
            name, f"hostname 2>/dev/null || cat /etc/hostname\n{command}", doc=f"Survey the {name}."
        )
        for name, command in SURVEYS.items()
    ]
    surveys >> Job(
        "done", ["echo", "surveyed:", *SURVEYS], doc="An argument list: no shell is involved."
    )
