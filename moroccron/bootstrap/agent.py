"""The embedded agent as it was set up."""

from moroccron.adapters.local.agent import AgentConfig, run_agent
from moroccron.settings import Settings


def build_agent(settings: Settings) -> AgentConfig:
    """What the agent is told."""
    return AgentConfig(
        work_dir=settings.work_dir,
        resources=settings.resources,
        attributes=settings.attributes,
        hostname=settings.hostname,
        retention_days=settings.retention_days,
    )


def be_agent(settings: Settings) -> int:
    """Be the agent of the work directory until told to stop; the exit code."""
    return run_agent(build_agent(settings))
