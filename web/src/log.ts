// The log of an attempt, growing while it is written. Plain text only: what an author wrote is never markup.
import { onChange } from "./stream";

const POLL_MS = 600;
const CHUNK = 256 * 1024;
const KEEP = 4_000_000; // characters on the page; the raw log has all
const ENDED = new Set(["succeeded", "failed", "killed", "lost"]);
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal escapes are what is looked for
const ESCAPES = /\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;

/** Follows the log on this page, if there is one whose attempt lives. */
export function followLog(): void {
  const place = document.querySelector<HTMLElement>("#log");
  if (!place) return;
  toEnd(place);
  if ("alive" in place.dataset) new Follower(place).begin();
}

class Follower {
  private readonly text = new TextDecoder("utf-8");
  private readonly follow = document.querySelector<HTMLInputElement>("#follow");
  private offset: number;
  private held = ""; // the beginning of a terminal escape whose end has not come
  private roundsLeft = Number.POSITIVE_INFINITY;

  constructor(private readonly place: HTMLElement) {
    this.offset = Number(place.dataset.offset);
  }

  begin(): void {
    const number = new URL(this.url(), location.href).pathname.split("/").at(-3);
    onChange((lines) => {
      const over = lines.some(
        (line) =>
          String(line.number) === number &&
          this.isMine(line.job_id) &&
          ENDED.has(line.to_state ?? ""),
      );
      if (over) this.roundsLeft = 5; // what was written last may come a moment after the end
    });
    void this.round();
  }

  private isMine(jobId: string | null): boolean {
    return jobId !== null && this.url().includes(`/jobs/${encodeURIComponent(jobId)}/`);
  }

  private async round(): Promise<void> {
    try {
      while (!document.hidden && (await this.read()));
    } catch {
      // the server is away: the next round asks again
    }
    this.roundsLeft -= 1;
    if (this.roundsLeft > 0) setTimeout(() => this.round(), POLL_MS);
  }

  /** Reads on; true when there is more already. */
  private async read(): Promise<boolean> {
    const response = await fetch(`${this.url()}?offset=${this.offset}&length=${CHUNK}`);
    if (!response.ok || response.headers.get("Log-Gone") === "true") return false;
    const bytes = await response.arrayBuffer();
    this.offset = Number(response.headers.get("Log-Offset")) + bytes.byteLength;
    if (bytes.byteLength > 0) this.append(this.text.decode(bytes, { stream: true }));
    return this.offset < Number(response.headers.get("Log-Size")) && bytes.byteLength > 0;
  }

  private append(text: string): void {
    const all = this.held + text;
    const begun = all.lastIndexOf("\x1b", all.length);
    const cut = begun >= all.length - 32 && begun >= 0 && !matches(all.slice(begun));
    this.held = cut ? all.slice(begun) : "";
    this.place.append((cut ? all.slice(0, begun) : all).replace(ESCAPES, ""));
    document.querySelector("#log-empty")?.remove();
    let length = this.place.textContent?.length ?? 0;
    for (let first = this.place.firstChild; first && length > KEEP; first = this.place.firstChild) {
      length -= first.textContent?.length ?? 0;
      first.remove();
    }
    if (this.follow?.checked) toEnd(this.place);
  }

  private url(): string {
    return this.place.dataset.url ?? "";
  }
}

function matches(text: string): boolean {
  ESCAPES.lastIndex = 0;
  return ESCAPES.test(text);
}

function toEnd(place: HTMLElement): void {
  place.scrollTop = place.scrollHeight;
}
