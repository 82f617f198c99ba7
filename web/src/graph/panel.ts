// The side panel: what is known of one job, without leaving the graph. All texts are set as text, never markup.
import { duration } from "../format";
import { tell } from "../times";
import { getJson, type States, type Structure, stateOf } from "./data";

interface Attempt {
  number: number;
  state: string;
  hostname: string | null;
  started: string | null;
  ended: string | null;
  skew: number | null;
  exit_code: number | null;
  reason: string | null;
  message: string | null;
}

interface Definition {
  content: {
    jobs: { id: string; command: string | string[]; doc?: string }[];
  };
}

export interface Addresses {
  version: string | undefined; // of the definition, as JSON
  run: string | undefined; // the run's page
  api: string | undefined; // the run in the API
}

export class Panel {
  readonly element = document.createElement("aside");
  private shown: number | undefined;

  constructor(
    private readonly structure: Structure,
    private readonly downstream: number[][],
    private readonly addresses: Addresses,
    private readonly choose: (job: number | undefined) => void,
  ) {
    this.element.className = "panel";
    this.element.hidden = true;
    this.element.setAttribute("aria-label", "Selected job");
  }

  /** Shows a job, or hides the panel. */
  async show(job: number | undefined, states: States | undefined): Promise<void> {
    const fresh = this.shown !== job;
    this.shown = job;
    this.element.hidden = job === undefined;
    if (job === undefined) return;
    if (fresh)
      this.element.replaceChildren(...this.frame(job, states), text("p", "none", "Loading…"));
    try {
      const [definition, attempts] = await Promise.all([this.definition(job), this.attempts(job)]);
      if (this.shown !== job) return;
      this.element.replaceChildren(
        ...this.frame(job, states),
        ...body(definition, attempts, this.structure.rules[job]),
        ...this.around(job),
      );
      tell(this.element);
    } catch (error) {
      if (fresh) this.element.append(text("p", "none", `No details: ${String(error)}`));
    }
  }

  private frame(job: number, states: States | undefined): HTMLElement[] {
    const name = this.structure.jobs[job] ?? "";
    const head = document.createElement("header");
    const close = text("button", "quiet", "×") as HTMLButtonElement;
    close.type = "button";
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => this.choose(undefined));
    head.append(text("h3", "", name), close);
    const state = stateOf(states, job);
    const line = document.createElement("p");
    if (state) line.append(badge(state));
    if (this.addresses.run) {
      const link = document.createElement("a");
      link.href = `${this.addresses.run}/jobs/${encodeURIComponent(name)}`;
      link.textContent = "Log, attempts, actions";
      line.append(link);
    }
    const why = states?.why[job];
    return why ? [head, line, text("pre", "why", why)] : [head, line];
  }

  private async definition(
    job: number,
  ): Promise<Definition["content"]["jobs"][number] | undefined> {
    if (!this.addresses.version) return undefined;
    const { content } = await getJson<Definition>(this.addresses.version);
    return content.jobs[job];
  }

  private async attempts(job: number): Promise<Attempt[]> {
    if (!this.addresses.api) return [];
    const name = encodeURIComponent(this.structure.jobs[job] ?? "");
    const found = await getJson<{ attempts: Attempt[] }>(
      `${this.addresses.api}/jobs/${name}/attempts`,
    );
    return found.attempts;
  }

  private around(job: number): HTMLElement[] {
    const rows: [string, number[]][] = [
      ["Upstream", this.structure.upstream[job] ?? []],
      ["Downstream", this.downstream[job] ?? []],
    ];
    return rows.flatMap(([title, jobs]) => {
      if (jobs.length === 0) return [];
      const list = document.createElement("p");
      list.className = "links";
      for (const other of jobs.slice(0, 12)) {
        const button = text("button", "link", this.structure.jobs[other] ?? "");
        button.addEventListener("click", () => this.choose(other));
        list.append(button, " ");
      }
      if (jobs.length > 12) list.append(`and ${jobs.length - 12} more`);
      return [text("h4", "", title), list];
    });
  }
}

function body(
  definition: Definition["content"]["jobs"][number] | undefined,
  attempts: Attempt[],
  rule: string | undefined,
): HTMLElement[] {
  const parts: HTMLElement[] = [];
  if (attempts.length > 0) parts.push(table(attempts));
  if (definition?.doc) parts.push(text("p", "doc", definition.doc));
  if (definition) {
    const command = definition.command;
    parts.push(text("h4", "", "Command"));
    parts.push(text("pre", "command", typeof command === "string" ? command : command.join(" ")));
    if (rule !== undefined) parts.push(text("p", "", `Runs on ${rule}`));
  }
  return parts;
}

function table(attempts: Attempt[]): HTMLElement {
  const out = document.createElement("table");
  out.className = "rows small";
  for (const attempt of attempts.slice(-8)) {
    const row = out.insertRow();
    row.insertCell().textContent = String(attempt.number);
    row.insertCell().append(badge(attempt.state));
    row.insertCell().textContent = attempt.hostname ?? "";
    row.insertCell().textContent = attempt.exit_code === null ? "" : `exit ${attempt.exit_code}`;
    const took = row.insertCell();
    took.className = "num";
    took.append(...tookOf(attempt));
  }
  return out;
}

function tookOf({ started, ended }: Attempt): (string | HTMLElement)[] {
  if (!started) return [];
  if (ended) return [duration((Date.parse(ended) - Date.parse(started)) / 1000)];
  const growing = document.createElement("span");
  growing.dataset.since = started;
  return [growing];
}

function badge(state: string): HTMLElement {
  const out = text("span", "state", "");
  out.dataset.state = state;
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("class", "icon");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${state}`);
  icon.append(use);
  out.append(icon, state.replace("_", " "));
  return out;
}

function text(tag: string, className: string, content: string): HTMLElement {
  const out = document.createElement(tag);
  if (className) out.className = className;
  out.textContent = content;
  return out;
}
