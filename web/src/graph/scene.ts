// Draws a graph as SVG and keeps it true: jobs, edges, what is lit, which is selected. Knows no server.
import { isTicking, lineOf, type States, type Structure, stateOf } from "./data";
import { downstreamOf, type Layout, layOut, NODE_HEIGHT, NODE_WIDTH, reach } from "./layout";

const SVG = "http://www.w3.org/2000/svg";
const MANY_EDGES = 600;
const NAME_ROOM = NODE_WIDTH - 40;
const LINE_ROOM = NODE_WIDTH - 22;

interface Node {
  group: SVGGElement;
  icon: SVGUseElement;
  line: SVGTextElement;
  title: SVGTitleElement;
}

export class Scene {
  readonly layout: Layout;
  readonly downstream: number[][];
  readonly view = make("g", { class: "view" });
  private readonly lit = make("path", { class: "edges lit" });
  private readonly nodes: Node[] = [];
  private states: States | undefined;

  constructor(
    readonly structure: Structure,
    private readonly write: (text: string, room: number, bold: boolean) => string,
  ) {
    this.layout = layOut(structure.upstream);
    this.downstream = downstreamOf(structure.upstream);
    const many = structure.upstream.reduce((sum, ups) => sum + ups.length, 0) > MANY_EDGES;
    this.view.classList.toggle("many", many);
    this.view.append(...this.edges(), this.lit, ...structure.jobs.map((_, job) => this.node(job)));
  }

  /** Shows where the jobs stand now; touches only what differs. */
  update(states: States | undefined): void {
    this.states = states;
    const now = Date.now();
    this.nodes.forEach((node, job) => {
      const state = stateOf(states, job) ?? "";
      if (node.group.dataset.state !== state) {
        node.group.dataset.state = state;
        node.icon.setAttribute("href", state ? `#i-${state}` : "");
      }
      this.writeLine(node, job, now);
    });
  }

  /** Lets growing times grow. */
  tick(): void {
    const now = Date.now();
    this.nodes.forEach((node, job) => {
      if (isTicking(this.states, job)) this.writeLine(node, job, now);
    });
  }

  /** Lifts a job with all that is before and after it, and dims the rest; undefined: nothing is lifted. */
  lift(job: number | undefined): void {
    const around = job === undefined ? undefined : this.around(job);
    this.view.classList.toggle("dim", around !== undefined);
    this.nodes.forEach((node, at) => {
      node.group.classList.toggle("lit", around?.has(at) ?? false);
    });
    this.lit.setAttribute(
      "d",
      around ? this.path((from, to) => around.has(from) && around.has(to)) : "",
    );
  }

  /** Lifts the jobs whose names hold the text; gives their indexes. */
  find(text: string): number[] {
    const wanted = text.toLowerCase();
    const found = this.structure.jobs.flatMap((name, job) =>
      name.toLowerCase().includes(wanted) ? [job] : [],
    );
    const hits = new Set(found);
    this.view.classList.toggle("dim", text !== "");
    this.lit.setAttribute("d", "");
    this.nodes.forEach((node, at) => {
      node.group.classList.toggle("lit", text !== "" && hits.has(at));
    });
    return found;
  }

  select(job: number | undefined): void {
    this.nodes.forEach((node, at) => {
      node.group.classList.toggle("selected", at === job);
    });
  }

  /** Which job an element of the drawing belongs to. */
  jobAt(target: EventTarget | null): number | undefined {
    const group = target instanceof Element ? target.closest<SVGGElement>("g.node") : null;
    return group?.dataset.job === undefined ? undefined : Number(group.dataset.job);
  }

  private around(job: number): Set<number> {
    return new Set([...reach(job, this.structure.upstream), ...reach(job, this.downstream)]);
  }

  private writeLine(node: Node, job: number, now: number): void {
    const text = lineOf(this.states, job, now);
    const name = this.structure.jobs[job] ?? "";
    const shown = this.write(text, LINE_ROOM, false);
    if (node.line.textContent === shown) return;
    node.line.textContent = shown;
    node.title.textContent = text ? `${name}: ${text}` : name;
    node.group.setAttribute("aria-label", node.title.textContent);
  }

  /** One path for all plain edges; one each for those of other rules, which say their rule on hover. */
  private edges(): SVGElement[] {
    const rules = this.structure.rules;
    const plain = make("path", {
      class: "edges",
      d: this.path((_, to) => rules[to] === undefined),
    });
    const special = Object.entries(rules).flatMap(([job, rule]) =>
      (this.structure.upstream[Number(job)] ?? []).map((up) => {
        const edge = make("path", { class: "edges ruled", d: this.curve(up, Number(job)) });
        const title = make("title", {});
        title.textContent = `${this.structure.jobs[Number(job)]} runs on ${rule}`;
        edge.append(title);
        return edge;
      }),
    );
    return [plain, ...special];
  }

  private path(wanted: (from: number, to: number) => boolean): string {
    const parts: string[] = [];
    this.structure.upstream.forEach((ups, job) => {
      for (const up of ups) if (wanted(up, job)) parts.push(this.curve(up, job));
    });
    return parts.join("");
  }

  private curve(from: number, to: number): string {
    const { x, y } = this.layout;
    const x1 = Math.round((x[from] ?? 0) + NODE_WIDTH);
    const y1 = Math.round((y[from] ?? 0) + NODE_HEIGHT / 2);
    const x2 = Math.round(x[to] ?? 0);
    const y2 = Math.round((y[to] ?? 0) + NODE_HEIGHT / 2);
    const bend = Math.max(24, (x2 - x1) / 2);
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  }

  private node(job: number): SVGGElement {
    const name = this.structure.jobs[job] ?? "";
    const { x, y } = this.layout;
    const group = make("g", { class: "node", "data-job": String(job), role: "img" });
    group.setAttribute(
      "transform",
      `translate(${Math.round(x[job] ?? 0)} ${Math.round(y[job] ?? 0)})`,
    );
    const icon = make("use", { class: "icon", x: "12", y: "7", width: "14", height: "14" });
    const label = make("text", { class: "label", x: "31", y: "18" });
    label.textContent = this.write(name, NAME_ROOM, true);
    const line = make("text", { class: "line", x: "12", y: "35" });
    const title = make("title", {});
    title.textContent = name;
    group.append(
      title,
      make("rect", {
        class: "box",
        width: String(NODE_WIDTH),
        height: String(NODE_HEIGHT),
        rx: "4",
      }),
      make("path", {
        class: "bar",
        d: `M4 0H5V${NODE_HEIGHT}H4A4 4 0 0 1 0 ${NODE_HEIGHT - 4}V4A4 4 0 0 1 4 0Z`,
      }),
      icon,
      label,
      line,
    );
    this.nodes[job] = { group, icon, line, title };
    return group;
  }
}

/** Cuts texts to the room they have, measured with the fonts of the drawing. */
export function writer(font: string): (text: string, room: number, bold: boolean) => string {
  const context = document.createElement("canvas").getContext("2d");
  const known = new Map<string, string>();
  return (text, room, bold) => {
    const key = `${room} ${text}`;
    const before = known.get(key);
    if (before !== undefined || !context) return before ?? text;
    context.font = bold ? `500 13px ${font}` : `12px ${font}`;
    let shown = text;
    while (shown.length > 1 && context.measureText(shown).width > room) {
      shown = `${shown.slice(0, -2).trimEnd()}…`;
    }
    if (known.size > 5000) known.clear();
    known.set(key, shown);
    return shown;
  };
}

export function make<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Record<string, string>,
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
