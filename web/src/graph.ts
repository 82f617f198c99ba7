// The graph of a DAG, on the pages that show one. Loaded beside app.js; reads its data from the JSON API.
import { Camera } from "./graph/camera";
import { getJson, type States, type Structure } from "./graph/data";
import { Panel } from "./graph/panel";
import { make, Scene, writer } from "./graph/scene";
import { toolbar } from "./graph/toolbar";
import { onChange, throttled } from "./stream";

const REFRESH_MS = 300;
const HOVER_MS = 60;

const place = document.querySelector<HTMLElement>("#graph");
if (place) begin(place).catch((error: unknown) => say(place, error));

async function begin(place: HTMLElement): Promise<void> {
  const { structure, states } = place.dataset;
  const [drawn, stand] = await Promise.all([
    getJson<Structure>(structure ?? ""),
    states ? getJson<States>(states) : undefined,
  ]);
  new Graph(place, drawn).update(stand);
}

class Graph {
  private readonly svg = make("svg", { class: "canvas", tabindex: "0", role: "group" });
  private readonly scene: Scene;
  private readonly camera: Camera;
  private readonly panel: Panel;
  private states: States | undefined;
  private selected: number | undefined;
  private hover: number | undefined;

  constructor(
    private readonly place: HTMLElement,
    structure: Structure,
  ) {
    this.svg.setAttribute("aria-label", "Jobs; arrow keys walk along the edges, Enter opens");
    this.scene = new Scene(structure, writer(getComputedStyle(place).fontFamily));
    this.svg.append(this.scene.view);
    this.panel = new Panel(
      structure,
      this.scene.downstream,
      { version: place.dataset.version, run: place.dataset.run, api: place.dataset.api },
      (job) => this.choose(job, true),
    );
    const stage = document.createElement("div");
    stage.className = "stage";
    stage.append(this.svg, this.panel.element);
    place.replaceChildren(stage);
    this.camera = new Camera(this.svg, this.scene.view, this.scene.layout);
    place.prepend(toolbar(this.camera, this.scene, (job) => this.choose(job, true)));
    this.camera.fit();
    this.listen();
    this.chooseFromAddress();
  }

  update(states: States | undefined): void {
    this.states = states;
    this.scene.update(states);
    if (this.selected !== undefined) void this.panel.show(this.selected, states);
    this.place.dataset.ready = "";
  }

  private listen(): void {
    this.svg.addEventListener("pointerover", (event) => this.point(this.scene.jobAt(event.target)));
    this.svg.addEventListener("pointerleave", () => this.point(undefined));
    this.svg.addEventListener("click", (event) => {
      if (event.defaultPrevented) return; // it was a drag
      this.svg.focus({ preventScroll: true });
      this.choose(this.scene.jobAt(event.target), false);
    });
    this.svg.addEventListener("keydown", (event) => this.key(event));
    addEventListener("popstate", () => this.chooseFromAddress());
    setInterval(() => !document.hidden && this.scene.tick(), 1000);
    const url = this.place.dataset.states;
    if (!url) return;
    const refresh = throttled(async () => this.update(await getJson<States>(url)), REFRESH_MS);
    onChange((lines) => {
      if (lines.some((line) => line.run_id === this.states?.run)) refresh();
    });
  }

  /** Lifts what is pointed at, once the pointer rests on it. */
  private point(job: number | undefined): void {
    if (job === this.hover) return;
    this.hover = job;
    setTimeout(() => {
      if (this.hover === job) this.scene.lift(job ?? this.selected);
    }, HOVER_MS);
  }

  private choose(job: number | undefined, bringIntoSight: boolean): void {
    this.selected = job;
    this.scene.select(job);
    this.scene.lift(job);
    void this.panel.show(job, this.states);
    this.camera.cover(this.panel.element.offsetWidth, job);
    if (job !== undefined && bringIntoSight) this.camera.show(job);
    const url = new URL(location.href);
    if (job === undefined) url.searchParams.delete("job");
    else url.searchParams.set("job", this.scene.structure.jobs[job] ?? "");
    history.replaceState(null, "", url);
  }

  private chooseFromAddress(): void {
    const name = new URL(location.href).searchParams.get("job");
    const job = name === null ? -1 : this.scene.structure.jobs.indexOf(name);
    if (job >= 0) this.choose(job, this.scene.structure.jobs.length > 60);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = this.stepTo(event.key);
    if (next !== undefined) this.choose(next, true);
    else if (event.key === "Escape") this.choose(undefined, false);
    else if (event.key === "f") this.camera.fit();
    else if (event.key === "Enter") this.panel.element.querySelector("a")?.click();
    else return;
    event.preventDefault();
  }

  /** Left and right along an edge, up and down within a layer. */
  private stepTo(key: string): number | undefined {
    const { structure, downstream, layout } = this.scene;
    const at = this.selected;
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(key)) return undefined;
    if (at === undefined) return structure.jobs.length > 0 ? 0 : undefined;
    if (key === "ArrowLeft") return structure.upstream[at]?.[0];
    if (key === "ArrowRight") return downstream[at]?.[0];
    const y = (job: number) => layout.y[job] ?? 0;
    const column = structure.jobs.flatMap((_, job) =>
      layout.layer[job] === layout.layer[at] ? [job] : [],
    );
    const sorted = column.toSorted((a, b) => y(a) - y(b));
    return sorted[sorted.indexOf(at) + (key === "ArrowUp" ? -1 : 1)];
  }
}

function say(place: HTMLElement, error: unknown): void {
  const note = document.createElement("p");
  note.className = "placeholder";
  note.textContent = `The graph could not be drawn: ${String(error)}. Reload the page to try again.`;
  place.replaceChildren(note);
}
