// What happens, as it happens: one event stream per page. It resumes where it broke, rests in a hidden tab,
// and gives way to asking every few seconds when the server has no place for one more.

export interface Line {
  id: number;
  subject: string;
  dag_id: string | null;
  run_id: string | null;
  job_id: string | null;
  number: number | null;
  to_state: string | null;
}

const CHANGE = "moroccron:change";
const POLL_MS = 3000;
const STREAM_AGAIN_MS = 30_000;

/** Calls back with the lines of each batch of changes. */
export function onChange(heard: (lines: Line[]) => void): void {
  document.addEventListener(CHANGE, (event) => heard((event as CustomEvent<Line[]>).detail));
}

/** Begins to listen; `after` is the last line that the page knows of. */
export function listen(after: number, runId: string | undefined): void {
  const listener = new Listener(after, runId);
  document.addEventListener("visibilitychange", () => listener.wake());
  addEventListener("pagehide", () => listener.rest());
  addEventListener("pageshow", () => listener.wake());
}

class Listener {
  private source: EventSource | undefined;
  private timer: number | undefined;

  constructor(
    private after: number,
    private readonly runId: string | undefined,
  ) {
    this.wake();
  }

  wake(): void {
    this.rest();
    if (!document.hidden) this.stream();
  }

  rest(): void {
    this.source?.close();
    this.source = undefined;
    clearTimeout(this.timer);
  }

  private stream(): void {
    const source = new EventSource(`/api/v1/events/stream?${this.query()}`);
    this.source = source;
    source.addEventListener("hello", () => show("live", "live"));
    source.addEventListener("beat", (event) => this.remember(event.lastEventId));
    source.addEventListener("change", (event) => {
      this.remember(event.lastEventId);
      announce(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      const gaveUp = source.readyState === EventSource.CLOSED;
      show(gaveUp ? "polling" : "broken", gaveUp ? "every 3 s" : "reconnecting…");
      if (gaveUp) this.poll(Date.now() + STREAM_AGAIN_MS);
    });
  }

  private async poll(until: number): Promise<void> {
    try {
      const response = await fetch(`/api/v1/history?${this.query()}`);
      if (!response.ok) throw new Error(response.statusText);
      const { lines, last } = (await response.json()) as { lines: Line[]; last: number };
      this.after = last;
      show("polling", "every 3 s");
      if (lines.length > 0) announce(lines);
    } catch {
      show("broken", "no answer from the server");
    }
    if (document.hidden) return;
    this.timer = setTimeout(() => (Date.now() < until ? this.poll(until) : this.stream()), POLL_MS);
  }

  private query(): URLSearchParams {
    const query = new URLSearchParams({ after: String(this.after) });
    if (this.runId) query.set("run", this.runId);
    return query;
  }

  private remember(id: string): void {
    this.after = Math.max(this.after, Number(id) || 0);
  }
}

function announce(lines: Line[]): void {
  document.dispatchEvent(new CustomEvent(CHANGE, { detail: lines }));
}

function show(state: string, text: string): void {
  const place = document.querySelector<HTMLElement>("#live");
  if (!place || (place.dataset.state === state && place.textContent === text)) return;
  place.dataset.state = state;
  place.textContent = text;
  place.hidden = false;
}

/** A function that runs `act` soon, and not again before it has finished and a while has passed. */
export function throttled(act: () => Promise<void>, leastMs: number): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    running = true;
    again = false;
    const begun = performance.now();
    try {
      await act();
    } finally {
      const took = performance.now() - begun;
      setTimeout(
        () => {
          running = false;
          if (again) void run();
        },
        Math.max(leastMs, took * 3),
      );
    }
  };
  return () => {
    if (running) again = true;
    else void run();
  };
}
