// Where one looks at the graph from: zoom, pan, fit. Far out, details give way to dots of colour.
import { select } from "d3-selection";
import { type ZoomBehavior, zoom, zoomIdentity, zoomTransform } from "d3-zoom";
import { type Layout, NODE_HEIGHT, NODE_WIDTH } from "./layout";

const FAR = 0.42;
const MARGIN = 16;
const LARGEST = 1;
const LEAST_HEIGHT = 200;
const TALLEST_SHARE = 0.58; // of the window

export class Camera {
  private readonly behavior: ZoomBehavior<SVGSVGElement, unknown>;
  private scale = 1;
  private touched = false;

  constructor(
    private readonly svg: SVGSVGElement,
    view: SVGGElement,
    private readonly layout: Layout,
  ) {
    this.behavior = zoom<SVGSVGElement, unknown>()
      .scaleExtent([0.02, 4])
      .filter((event: Event) => isMeant(event))
      .on("zoom", ({ transform, sourceEvent }) => {
        view.setAttribute("transform", transform.toString());
        view.classList.toggle("far", transform.k < FAR);
        this.scale = transform.k;
        if (sourceEvent) this.touched = true;
      });
    select(svg).call(this.behavior).on("dblclick.zoom", null);
    this.takeHeight();
    new ResizeObserver(() => {
      if (!this.touched) this.fit();
    }).observe(svg);
  }

  /** All of it, as large as it fits, never larger than life. */
  fit(): void {
    const { width, height } = this.room();
    const k = Math.min(
      LARGEST,
      (width - 2 * MARGIN) / Math.max(1, this.layout.width),
      (height - 2 * MARGIN) / Math.max(1, this.layout.height),
    );
    const x = Math.max(MARGIN, (width - this.layout.width * k) / 2);
    const y = (height - this.layout.height * k) / 2;
    this.go(x, y, Math.max(k, 0.02));
    this.touched = false;
  }

  /** Life size, around the middle of what is seen. */
  lifeSize(): void {
    select(this.svg).call(this.behavior.scaleTo, 1);
    this.touched = true;
  }

  /** Brings a job into sight, near enough to be read. */
  show(job: number): void {
    const { width, height } = this.room();
    const k = Math.max(this.scale, 0.8);
    const x = (this.layout.x[job] ?? 0) + NODE_WIDTH / 2;
    const y = (this.layout.y[job] ?? 0) + NODE_HEIGHT / 2;
    this.go(width / 2 - x * k, height / 2 - y * k, k);
    this.touched = true;
  }

  /** Moves the graph aside when a job is hidden by what covers the right. */
  uncover(job: number, covered: number): void {
    const { x, y, k } = zoomTransform(this.svg);
    const right = ((this.layout.x[job] ?? 0) + NODE_WIDTH) * k + x;
    const room = this.room().width - covered - MARGIN;
    if (right <= room || room < NODE_WIDTH * k) return;
    this.go(x - (right - room), y, k);
    this.touched = true;
  }

  private go(x: number, y: number, k: number): void {
    select(this.svg).call(this.behavior.transform, zoomIdentity.translate(x, y).scale(k));
  }

  private room(): { width: number; height: number } {
    return { width: this.svg.clientWidth, height: this.svg.clientHeight };
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
