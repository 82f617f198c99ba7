"""The web process: the app, given the readers' doors and the way in; and its server."""

from collections.abc import Callable
from importlib.metadata import version

from moroccron.api.app import create_app
from moroccron.api.serve import serve
from moroccron.bootstrap.logs import open_logs
from moroccron.bootstrap.previews import StoredPreviews
from moroccron.bootstrap.readers import open_commands, open_queries
from moroccron.settings import Settings


def serve_web(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve pages and API until SIGTERM or SIGINT; `ready` gets the address once requests are answered."""
    queries = open_queries(settings)
    app = create_app(
        queries,
        open_commands(settings),
        open_logs(settings),
        StoredPreviews(queries),
        version=version("moroccron"),
        hosts=(settings.host,),
    )
    serve(app, settings.host, settings.port, settings.web_threads, ready=ready)
