// Times on the page: they grow older as one looks, and are told in the zone that the reader chose.
import { duration, relative } from "./format";

const KEY = "moroccron.zone";
type Zone = "utc" | "dag" | "here";

/** Keeps all times below `root` true from now on, and offers the choice of the zone. */
export function keepTimes(): void {
  const choice = document.querySelector<HTMLSelectElement>("#zone");
  if (choice) {
    if (document.body.dataset.zone) choice.querySelector("[value=dag]")?.removeAttribute("hidden");
    choice.value = chosen();
    choice.addEventListener("change", () => {
      localStorage.setItem(KEY, choice.value);
      tell(document);
    });
  }
  tell(document);
  setInterval(() => {
    if (!document.hidden) tell(document);
  }, 1000);
}

/** Writes all times below `root` as they read now. */
export function tell(root: ParentNode): void {
  const now = Date.now();
  const exact = exactIn(zoneName());
  for (const item of root.querySelectorAll("time")) {
    const at = Date.parse(item.dateTime);
    const told = exact(at);
    if (item.title !== told) item.title = told;
    const text = "exact" in item.dataset ? told.slice(0, 19) : relative((at - now) / 1000);
    if (item.textContent !== text) item.textContent = text;
  }
  for (const item of root.querySelectorAll<HTMLElement>("[data-since]")) {
    const since = Date.parse(item.dataset.since ?? "");
    item.textContent = duration(Math.max(0, now - since) / 1000);
  }
}

function chosen(): Zone {
  const stored = localStorage.getItem(KEY);
  if (stored === "here") return "here";
  return stored === "dag" && document.body.dataset.zone ? "dag" : "utc";
}

function zoneName(): string {
  const zone = chosen();
  if (zone === "here") return Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone === "dag" ? (document.body.dataset.zone ?? "UTC") : "UTC";
}

/** `2026-11-22 20:30:12 UTC`: the Swedish form of dates is ISO's. */
function exactIn(timeZone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  return (at) => `${format.format(at)} ${timeZone}`;
}
