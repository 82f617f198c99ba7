// Filters that answer as one types: the server filters, the address keeps the filter.
import { fetchPage } from "./patch";
import { tell } from "./times";

const PAUSE_MS = 180;

/** Makes each filter form act without reloading the page. */
export function keepFilters(): void {
  for (const input of document.querySelectorAll<HTMLInputElement>("input[data-region]")) {
    let timer: number | undefined;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => show(input), PAUSE_MS);
    });
    input.form?.addEventListener("submit", (event) => {
      event.preventDefault();
      void show(input);
    });
    for (const select of input.form?.querySelectorAll("select") ?? []) {
      select.addEventListener("change", () => show(input));
    }
  }
}

async function show(input: HTMLInputElement): Promise<void> {
  if (!input.form) return;
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(input.form)) {
    if (typeof value === "string" && value !== "") query.append(name, value);
  }
  const url = `${location.pathname}${query.size > 0 ? `?${query}` : ""}`;
  const asked = input.value;
  const page = await fetchPage(url);
  const region = document.getElementById(input.dataset.region ?? "");
  const fresh = page?.getElementById(input.dataset.region ?? "");
  if (!region || !fresh || input.value !== asked) return;
  region.replaceChildren(...fresh.childNodes);
  tell(region);
  history.replaceState(null, "", url);
}
