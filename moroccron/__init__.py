"""moroccron: a workflow engine for batch jobs on Apache Mesos.

What a DAG file imports. Importing it costs the standard library and our own values, nothing else.
"""

from moroccron.model.authoring import DAG, Group, Job, chain
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.dag_version import TriggerRule
from moroccron.model.errors import DagInvalid
from moroccron.model.fields import DagFields, JobFields
from moroccron.model.files import Uri, Volume
from moroccron.model.param import Param, ParamType
from moroccron.model.schedule import CatchUp, Cron, Every, Overlap, Timetable
from moroccron.model.trigger import After

__all__ = [
    "DAG",
    "After",
    "CatchUp",
    "Constraint",
    "Cron",
    "DagFields",
    "DagInvalid",
    "Every",
    "Group",
    "Job",
    "JobFields",
    "Operator",
    "Overlap",
    "Param",
    "ParamType",
    "Timetable",
    "TriggerRule",
    "Uri",
    "Volume",
    "chain",
]
