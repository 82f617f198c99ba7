// What every page loads: the styles, and behaviour that no single page owns (times, keys, live changes, logs).
import "./styles/tokens.css";
import "./styles/frame.css";
import "./styles/tables.css";
import "./styles/graph.css";
import { keepFilters } from "./filter";
import { keepKeys } from "./keys";
import { followLog } from "./log";
import { refreshPage } from "./patch";
import { type Line, listen, onChange, throttled } from "./stream";
import { keepTimes } from "./times";

const REFRESH_MS = 1000;
const PENDING_MS = 500;

// Tells the styles that scripts run, so that what needs them is shown only then.
document.documentElement.dataset.scripts = "on";
keepTimes();
keepKeys();
keepFilters();
followLog();

const page = document.body.dataset;
if (page.last !== undefined) {
  const refresh = throttled(refreshPage, REFRESH_MS);
  onChange((lines) => {
    if (lines.some(concernsThisPage)) refresh();
  });
  listen(Number(page.last), page.follow);
  awaitAnswer(refresh);
}

function concernsThisPage(line: Line): boolean {
  return page.dag === undefined || line.dag_id === null || line.dag_id === page.dag;
}

/** While a command of this reader waits for the leader, the page asks for its answer. */
function awaitAnswer(refresh: () => void): void {
  if (!document.querySelector("[data-pending]")) return;
  if (!document.hidden) refresh();
  setTimeout(() => awaitAnswer(refresh), PENDING_MS);
}
