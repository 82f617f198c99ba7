"""A framework with nothing behind it: `python -m tests.cluster.smoke HOST:PORT JOBS`.

It launches commands as offers come and acknowledges what it hears at once. What moroccron reaches
is measured against it; the cluster's own tests ask with it. One thread, one connection for a call.
"""

import http.client
import itertools
import json
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

Message = dict[str, Any]

PATIENCE = 30.0
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
ALIVE = {"TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_UNREACHABLE"}
CPUS, MEM = 0.1, 32


class BareFramework:
    def __init__(
        self,
        master: str,
        *,
        framework_id: str | None = None,
        cpus: float = CPUS,
        mem: float = MEM,
        **info: Any,
    ) -> None:
        self._master = master
        self._cpus, self._mem = cpus, mem  # of each task
        self._info = {
            "user": "root",
            "name": "smoke",
            "roles": ["*"],
            "checkpoint": True,
            "capabilities": [{"type": "MULTI_ROLE"}, {"type": "PARTITION_AWARE"}],
            **info,
        }
        self.id = {"value": framework_id} if framework_id else None
        self._waiting: deque[Message] = deque()  # tasks to launch
        self.states: dict[str, list[str]] = defaultdict(list)  #: as they were reported
        self.last: dict[str, Message] = {}  #: the last status of each task

    def subscribe(self) -> None:
        self._stream = http.client.HTTPConnection(self._master, timeout=PATIENCE)
        identity = {"framework_id": self.id} if self.id else {}
        info = self._info | ({"id": self.id} if self.id else {})
        call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}, **identity}
        self._stream.request("POST", "/api/v1/scheduler", json.dumps(call), HEADERS)
        self._events = self._stream.getresponse()
        if self._events.status != 200:
            refusal = self._events.read().decode()
            self.disconnect()
            raise ConnectionError(f"{self._events.status}: {refusal}")
        self._stream_id = self._events.headers["Mesos-Stream-Id"]
        while self.id is None:
            self._hear(next(self.events()))

    def disconnect(self) -> None:
        self._events.close()
        self._stream.close()

    def launch(self, task_id: str, command: str | list[str], **fields: Any) -> None:
        """Wanted: it is launched by the next offer that is heard of and holds it."""
        if isinstance(command, str):
            shape: Message = {"value": command}
        else:
            shape = {"shell": False, "value": command[0], "arguments": command}
        task = {"name": task_id, "task_id": {"value": task_id}, "command": shape, **fields}
        resources = [_scalar("cpus", self._cpus), _scalar("mem", self._mem)]
        self._waiting.append(task | {"resources": resources})

    def kill(self, task_id: str, agent_id: str) -> None:
        known = {"task_id": {"value": task_id}, "agent_id": {"value": agent_id}}
        self.call("KILL", kill=known)

    def until(self, task_id: str, *states: str) -> Message:
        """Hear events until the task's last state is one of these; that status."""
        if self._is(task_id, states):
            return self.last[task_id]
        for event in self.events():
            self._hear(event)
            if self._is(task_id, states):
                return self.last[task_id]
        raise ConnectionError(f"the stream ended; {task_id}: {self.states[task_id]}")

    def _is(self, task_id: str, states: tuple[str, ...]) -> bool:
        return task_id in self.last and self.last[task_id]["state"] in states

    def run(self, commands: Iterable[str | list[str]]) -> Counter[str]:
        """Launch all and hear how they ended."""
        numbers = itertools.count()
        for command in commands:
            self.launch(f"smoke-{next(numbers)}", command)
        wanted = len(self._waiting)
        for event in self.events():
            self._hear(event)
            ended = [last["state"] for last in self.last.values() if last["state"] not in ALIVE]
            if len(ended) == wanted:
                return Counter(ended)
        raise ConnectionError("the stream ended")

    def events(self) -> Iterator[Message]:
        while size := self._events.readline():
            yield json.loads(self._events.read(int(size)))

    def call(self, kind: str, **body: Any) -> None:
        content = json.dumps({"type": kind, "framework_id": self.id, **body})
        headers = HEADERS | {"Mesos-Stream-Id": self._stream_id}
        with closing(http.client.HTTPConnection(self._master, timeout=PATIENCE)) as connection:
            connection.request("POST", "/api/v1/scheduler", content, headers)
            response = connection.getresponse()
            answer = response.read().decode()
        if response.status >= 300:
            raise ConnectionError(f"{kind}: {response.status} {answer}")

    def _hear(self, event: Message) -> None:
        if event["type"] == "SUBSCRIBED":
            self.id = event["subscribed"]["framework_id"]
        elif event["type"] == "OFFERS":
            for offer in event["offers"]["offers"]:
                self._use(offer)
        elif event["type"] == "UPDATE":
            self._note(event["update"]["status"])
        elif event["type"] == "ERROR":
            raise ConnectionError(event["error"]["message"])

    def _use(self, offer: Message) -> None:
        tasks = [
            self._waiting.popleft() | {"agent_id": offer["agent_id"]}
            for _ in range(min(self._room(offer), len(self._waiting)))
        ]
        if not tasks:
            declined = {"offer_ids": [offer["id"]], "filters": {"refuse_seconds": 0.5}}
            return self.call("DECLINE", decline=declined)
        launch = {"type": "LAUNCH", "launch": {"task_infos": tasks}}
        accepted = {"offer_ids": [offer["id"]], "operations": [launch]}
        self.call("ACCEPT", accept=accepted | {"filters": {"refuse_seconds": 0}})

    def _room(self, offer: Message) -> int:
        """How many tasks the offer holds."""
        scalars = [r for r in offer["resources"] if r["type"] == "SCALAR"]
        free = {r["name"]: r["scalar"]["value"] for r in scalars}
        return int(min(free.get("cpus", 0) / self._cpus + 1e-6, free.get("mem", 0) / self._mem))

    def _note(self, status: Message) -> None:
        task_id = status["task_id"]["value"]
        self.states[task_id].append(status["state"])
        self.last[task_id] = status
        if "uuid" in status:
            known = {key: status[key] for key in ("agent_id", "task_id", "uuid")}
            self.call("ACKNOWLEDGE", acknowledge=known)


def _scalar(name: str, amount: float) -> Message:
    return {"name": name, "type": "SCALAR", "scalar": {"value": amount}}


def main(master: str, jobs: int) -> None:
    framework = BareFramework(master)
    framework.subscribe()
    began = time.monotonic()
    states = framework.run(["/bin/true"] * jobs)
    took = time.monotonic() - began
    framework.call("TEARDOWN")
    framework.disconnect()
    print(dict(states), f"{took:.2f} s, {jobs / took:.1f} a second")
    sys.exit(states["TASK_FINISHED"] != jobs)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
