// Keys: j and k walk through rows, / filters, ? lists them. Never while somebody writes.

/** Makes the keys work on this page. */
export function keepKeys(): void {
  const help = document.querySelector<HTMLDialogElement>("#keys");
  document.querySelector("#keys-button")?.addEventListener("click", () => help?.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") closeMenus();
    if (isWriting(event.target)) return;
    const act = ACTS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.addEventListener("click", (event) => {
    const inside = (event.target as Element).closest("details.action");
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.action[open]")) {
      if (menu !== inside) menu.open = false;
    }
  });
}

const ACTS: Record<string, () => void> = {
  j: () => walk(1),
  k: () => walk(-1),
  "/": () => document.querySelector<HTMLInputElement>("#filter")?.focus(),
  "?": () => document.querySelector<HTMLDialogElement>("#keys")?.showModal(),
};

function walk(step: number): void {
  const links = Array.from(document.querySelectorAll<HTMLElement>("[data-row] .name a"));
  const at = links.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step;
  links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
}

function closeMenus(): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.action[open]")) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, select, textarea, dialog") !== null;
}
