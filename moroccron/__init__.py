"""moroccron: a workflow engine for batch jobs on Apache Mesos."""
