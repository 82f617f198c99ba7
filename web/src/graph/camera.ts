// Where one looks at the graph from: zoom, pan, fit. Far out, details give way to dots of colour.
import { select } from "d3-selection";
import { type ZoomBehavior, zoom, zoomIdentity, zoomTransform } from "d3-zoom";
import { type Layout, NODE_HEIGHT, NODE_WIDTH } from "./layout";

const FAR = 0.42;
const LEGIBLE = 0.8;
const MARGIN = 16;
const LARGEST = 1;
const LEAST_HEIGHT = 200;
const TALLEST_SHARE = 0.58; // of the window

export class Camera {
  private readonly behavior: ZoomBehavior<SVGSVGElement, unknown>;
  private scale = 1;
  private touched = false;
  private covered = 0; // pixels on the right
  private kept: number | undefined; // the job that stays in sight

  constructor(
    private readonly svg: SVGSVGElement,
    view: SVGGElement,
    private readonly layout: Layout,
  ) {
    this.behavior = zoom<SVGSVGElement, unknown>()
      .scaleExtent([0.01, 4])
      .filter((event: Event) => isMeant(event))
      .on("zoom", ({ transform, sourceEvent }) => {
        view.setAttribute("transform", transform.toString());
        view.classList.toggle("far", transform.k < FAR);
        this.scale = transform.k;
        if (sourceEvent) this.touched = true;
      });
    select(svg).call(this.behavior).on("dblclick.zoom", null);
    this.takeHeight();
    new ResizeObserver(() => this.adapt()).observe(svg);
  }

  /** All of it, as large as it fits, never larger than life; beside what covers the right if that stays legible. */
  fit(): void {
    const whole = this.svg.clientWidth;
    const clear = whole - this.covered;
    const width = this.fittingScale(clear) >= LEGIBLE ? clear : whole;
    const k = this.fittingScale(width);
    const x = Math.max(MARGIN, (width - this.layout.width * k) / 2);
    const y = (this.svg.clientHeight - this.layout.height * k) / 2;
    this.behavior.scaleExtent([Math.min(k / 2, 0.5), 4]);
    this.go(x, y, k);
    this.touched = false;
  }

  private fittingScale(width: number): number {
    const across = (width - 2 * MARGIN) / Math.max(1, this.layout.width);
    const down = (this.svg.clientHeight - 2 * MARGIN) / Math.max(1, this.layout.height);
    return Math.max(0.02, Math.min(LARGEST, across, down));
  }

  /** Life size, around the middle of what is seen. */
  lifeSize(): void {
    select(this.svg).call(this.behavior.scaleTo, 1);
    this.touched = true;
  }

  /** Brings a job into sight, near enough to be read. */
  show(job: number): void {
    const k = Math.max(this.scale, 0.8);
    const x = (this.layout.x[job] ?? 0) + NODE_WIDTH / 2;
    const y = (this.layout.y[job] ?? 0) + NODE_HEIGHT / 2;
    const width = this.svg.clientWidth - this.covered;
    this.go(width / 2 - x * k, this.svg.clientHeight / 2 - y * k, k);
    this.touched = true;
  }

  /** So much of the right is covered now; the job is not to be hidden by it. */
  cover(width: number, job: number | undefined): void {
    this.covered = width < this.svg.clientWidth ? width : 0;
    this.kept = job;
    this.uncover(); // never a new fit: what is under the pointer stays there
  }

  private adapt(): void {
    // The panel makes the picture taller: no reason to move what was just pointed at.
    if (!this.touched && this.kept === undefined) this.fit();
    this.uncover();
  }

  /** Pans, if the job that was chosen would be hidden. */
  private uncover(): void {
    if (this.kept === undefined) return;
    const { x, y, k } = zoomTransform(this.svg);
    const right = ((this.layout.x[this.kept] ?? 0) + NODE_WIDTH) * k + x;
    const room = this.svg.clientWidth - this.covered - MARGIN;
    if (right > room && room > NODE_WIDTH * k) this.go(x - (right - room), y, k);
  }

  private go(x: number, y: number, k: number): void {
    select(this.svg).call(this.behavior.transform, zoomIdentity.translate(x, y).scale(k));
  }

  /** As tall as the graph needs at the width there is, within reason. */
  private takeHeight(): void {
    const k = Math.min(1, (this.svg.clientWidth - 2 * MARGIN) / Math.max(1, this.layout.width));
    const wish = this.layout.height * k + 3 * MARGIN;
    const height = Math.min(Math.max(wish, LEAST_HEIGHT), innerHeight * TALLEST_SHARE);
    this.svg.style.height = `${Math.round(height)}px`;
  }
}

/** The wheel alone scrolls the page; with Ctrl, or once the graph has the focus, it zooms. */
function isMeant(event: Event): boolean {
  if (event instanceof WheelEvent) {
    return event.ctrlKey || event.metaKey || document.activeElement === event.currentTarget;
  }
  return !(event instanceof MouseEvent) || event.button === 0;
}
