"""A ZooKeeper server of our own: Debian's program, our folder and port."""

import os
import shutil
import socket
from pathlib import Path

from tests.cluster.ports import claim_port
from tests.cluster.process import ClusterProcess

JAR = Path("/usr/share/java/zookeeper.jar")  #: names all that it needs
#: The log's settings for both of the libraries that Debian's versions of it log by.
LOGGING = {
    "log4j.properties": """\
log4j.rootLogger=INFO, OUT
log4j.appender.OUT=org.apache.log4j.ConsoleAppender
log4j.appender.OUT.layout=org.apache.log4j.PatternLayout
log4j.appender.OUT.layout.ConversionPattern=%d{ISO8601} %p %c{1} %m%n
""",
    "logback.xml": """\
<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %p %c{1} %m%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="OUT"/></root>
</configuration>
""",
}
JAVA = (
    "-Xmx96m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.net.preferIPv4Stack=true",
    "-Dzookeeper.admin.enableServer=false",
    "-Dzookeeper.4lw.commands.whitelist=*",
    # Nobody's data is at stake; a sync to disk may take seconds on a busy machine.
    "-Dzookeeper.forceSync=no",
)
TICK = 200  #: milliseconds; sessions may be as short as two and as long as 300


class ZooKeeper(ClusterProcess):
    def __init__(
        self,
        folder: Path,
        *,
        ip: str = "127.0.0.1",
        port: int | None = None,
        tied: bool = True,
    ) -> None:
        super().__init__("zookeeper", folder, tied=tied)
        self.ip = ip
        self.port = port or claim_port()
        self.address = f"{ip}:{self.port}"
        self._settings = folder / "zoo.cfg"
        self._write_settings()

    def _write_settings(self) -> None:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        for name, text in LOGGING.items():
            (self.folder / name).write_text(text)
        settings = {
            "dataDir": data,
            "clientPort": self.port,
            "clientPortAddress": self.ip,
            "tickTime": TICK,
            "minSessionTimeout": 2 * TICK,
            "maxSessionTimeout": 300 * TICK,
            "maxClientCnxns": 0,
        }
        lines = [f"{key}={value}\n" for key, value in settings.items()]
        self._settings.write_text("".join(lines))

    def command(self) -> list[str]:
        main = "org.apache.zookeeper.server.ZooKeeperServerMain"
        classes = os.pathsep.join([str(self.folder), str(JAR)])
        return ["java", *JAVA, "-cp", classes, main, str(self._settings)]

    def healthy(self) -> bool:
        return self.ask("srvr").startswith("Zookeeper version")

    def url(self, path: str = "") -> str:
        """The address as Mesos and moroccron take it: zk://host:port/path."""
        return f"zk://{self.address}{path}"

    def ask(self, word: str, patience: float = 2.0) -> str:
        """The answer to a four-letter word (ruok, srvr, mntr, cons...); empty when there is none."""
        try:
            with socket.create_connection((self.ip, self.port), timeout=patience) as connection:
                connection.sendall(word.encode())
                with connection.makefile() as answer:
                    return answer.read()
        except OSError:
            return ""


def why_not() -> str | None:
    """Why there can be no ZooKeeper here; None when there can."""
    if shutil.which("java") is None:
        return "no java: install the package `default-jre-headless`"
    if not JAR.exists():
        return "no ZooKeeper: install the package `zookeeper`"
    return None
