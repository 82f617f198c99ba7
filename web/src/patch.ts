// Brings the page up to date in place: the server renders it again, and the parts marked data-live are exchanged.
// Rows keep their order while they are read; new ones announce themselves.
import { tell } from "./times";

const sources = new WeakMap<Element, string>();

/** Asks for the page again and exchanges what differs. */
export async function refreshPage(): Promise<void> {
  const fresh = await fetchPage(location.href);
  if (fresh) patch(fresh);
}

/** The page at an address; undefined when the server does not give it now. */
export async function fetchPage(url: string): Promise<Document | undefined> {
  try {
    const response = await fetch(url, { headers: { Accept: "text/html" } });
    if (!response.ok) return undefined;
    return new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    return undefined; // the stream's sign says that the server is away
  }
}

function patch(fresh: Document): void {
  for (const old of document.querySelectorAll<HTMLElement>("[data-live]")) {
    const now = fresh.getElementById(old.id);
    if (!now) continue;
    if (old instanceof HTMLTableSectionElement) {
      patchRows(old, now as HTMLTableSectionElement);
    } else {
      exchange(old, now);
    }
  }
}

/** New content in place of the old, unless a person is in the middle of using it. */
function exchange(old: Element, fresh: Element): void {
  const told = essence(fresh);
  if ((sources.get(old) ?? essence(old)) === told) return;
  if (old.querySelector("details[open]") || old.querySelector("input:focus")) return;
  sources.set(old, told);
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const href = focused?.getAttribute("href");
  old.replaceChildren(...fresh.childNodes);
  if (href) old.querySelector<HTMLElement>(`a[href="${CSS.escape(href)}"]`)?.focus();
  tell(old);
}

function patchRows(old: HTMLTableSectionElement, fresh: HTMLTableSectionElement): void {
  const known = new Map(Array.from(old.rows, (row) => [row.id, row]));
  const wanted = Array.from(fresh.rows);
  const strangers = wanted.filter((row) => !known.has(row.id));
  const moved = !inOrder(wanted, Array.from(old.rows));
  for (const row of wanted) {
    const mine = known.get(row.id);
    if (mine) exchange(mine, row.cloneNode(true) as Element);
  }
  if (old.dataset.live === "append") {
    old.append(...strangers);
    tell(old);
  } else {
    announce(old, strangers.length, moved, wanted);
  }
}

function inOrder(wanted: Element[], shown: Element[]): boolean {
  const place = new Map(shown.map((row, index) => [row.id, index]));
  const places = wanted.flatMap((row) => place.get(row.id) ?? []);
  return places.every((at, index) => index === 0 || at > (places[index - 1] ?? -1));
}

/** Says that there is something new above or below, with a button that shows it. */
function announce(body: HTMLElement, strangers: number, moved: boolean, rows: Element[]): void {
  const note = document.getElementById(`${body.id}-note`);
  if (!note) return;
  note.hidden = strangers === 0 && !moved;
  if (note.hidden) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = strangers > 0 ? "Show" : "Sort again";
  button.addEventListener("click", () => {
    body.replaceChildren(...rows);
    tell(body);
    note.hidden = true;
  });
  const text = strangers > 0 ? `${strangers} new ` : "The order has changed ";
  note.replaceChildren(text, button);
}

/** The markup without what only time changes. */
function essence(element: Element): string {
  return element.innerHTML
    .replace(/<time[^>]*datetime="([^"]*)"[^>]*>[^<]*<\/time>/g, "$1")
    .replace(/(data-since="[^"]*">)[^<]*/g, "$1");
}
