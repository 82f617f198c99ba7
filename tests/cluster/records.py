"""A master's own records, read over its operator endpoints. What it says, as it says it: Mesos' words."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

Record = dict[str, Any]

PATIENCE = 10.0  #: seconds for an answer
GLIMPSE = 1.0
ENDED = ("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST", "TASK_ERROR")


class Refused(Exception):
    """The answer was not a success."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


@dataclass(frozen=True)
class Records:
    """The endpoints of one master (or, with a prefix, agent)."""

    address: str  #: host:port
    prefix: str = ""  #: an agent's is /slave(1)
    credential: str | None = None  #: principal:secret

    def get(self, path: str, **query: str) -> Any:
        return self._ask("GET", path + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, **form: str) -> None:
        """An old-style operator call: /teardown, /maintenance/schedule and the like."""
        self._ask("POST", path, urlencode(form).encode())

    def call(self, kind: str, **body: Any) -> Any:
        """A call of the operator API: `call("DRAIN_AGENT", drain_agent={...})`."""
        content = json.dumps({"type": kind, **body}).encode()
        return self._ask("POST", "/api/v1", content, {"Content-Type": "application/json"})

    def state(self) -> Record:
        return dict(self.get("/state"))

    def metrics(self) -> dict[str, float]:
        """Its counters and gauges. Mesos answers twice a second and lets the others wait.

        Not for counting ends: a task that ends before its first update is sent is in no counter.
        """
        return dict(self.get("/metrics/snapshot"))

    def agents(self) -> list[Record]:
        """The agents it knows, also those that are away."""
        return list(self.get("/slaves")["slaves"])

    def tasks(self, framework: str | None = None) -> list[Record]:
        """All tasks it remembers, living and ended."""
        query = {"framework_id": framework} if framework else {}
        return list(self.get("/tasks", limit="100000", order="asc", **query)["tasks"])

    def unacknowledged(self) -> list[Record]:
        """Tasks that ended and whose last update was not acknowledged: the master keeps them among the living."""
        found = (task for framework in self.frameworks() for task in framework["tasks"])
        return [task for task in found if task["state"] in ENDED]

    def task(self, task_id: str) -> Record | None:
        return next((task for task in self.tasks() if task["id"] == task_id), None)

    def frameworks(self) -> list[Record]:
        """The frameworks it knows, connected or not; not those that were removed."""
        return list(self.get("/frameworks")["frameworks"])

    def removed_frameworks(self) -> list[Record]:
        return list(self.get("/frameworks")["completed_frameworks"])

    def teardown(self, framework: str) -> None:
        self.post("/teardown", frameworkId=framework)

    def answers(self) -> bool:
        """Whether the master leads and has read its registry: until then it refuses."""
        try:
            self._ask("GET", "/slaves", patience=GLIMPSE)
        except (OSError, Refused, http.client.HTTPException, ValueError):
            return False
        return True

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> Any:
        connection = http.client.HTTPConnection(self.address, timeout=patience)
        try:
            connection.request(
                method, self.prefix + path, body, self._headers() | dict(headers or {})
            )
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise Refused(response.status, content.decode(errors="replace"))
        is_json = "json" in (response.getheader("Content-Type") or "")
        return json.loads(content) if is_json and content else content

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if self.credential:
            token = base64.b64encode(self.credential.encode()).decode()
            headers["Authorization"] = f"Basic {token}"
        return headers
