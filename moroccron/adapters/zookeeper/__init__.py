"""ZooKeeper behind our ports: who may lead, which Mesos master does, and a mirror of the framework id."""
