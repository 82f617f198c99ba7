// What the server says of a graph, and of where a run's jobs stand. Arrays go by the job's index.
import { duration } from "../format";

export interface Structure {
  version: string;
  jobs: string[];
  upstream: number[][];
  rules: Record<number, string>;
}

export interface States {
  run: string;
  run_state: string;
  base: number;
  words: string[];
  state: number[];
  attempts: number[];
  ready: (number | null)[];
  started: (number | null)[];
  ended: (number | null)[];
  why: Record<number, string>;
}

const LIVE = new Set(["running", "unreachable"]);
const TROUBLED = new Set(["failed", "lost", "killed", "retrying"]);

export async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return (await response.json()) as T;
}

/** The state's word as the API has it; a job that has no row yet waits. */
export function stateOf(states: States | undefined, job: number): string | undefined {
  if (!states) return undefined;
  return states.words[states.state[job] ?? -1] ?? "waiting";
}

/** The line under a job's name: the error when it failed, else how long it ran or has waited. */
export function lineOf(states: States | undefined, job: number, now: number): string {
  const state = stateOf(states, job);
  if (!states || !state) return "";
  const tries = states.attempts[job] ?? 0;
  const times = tries > 1 ? ` ×${tries}` : "";
  const why = states.why[job];
  const word = state.replace("_", " ");
  if (why && TROUBLED.has(state)) return `${word}${times}: ${why.replace(/^exit code \d+: /, "")}`;
  const took = seconds(states, job, state, now);
  if (took === undefined) return `${word}${times}`;
  return `${word} ${duration(took)}${times}`;
}

/** Whether the line grows by itself. */
export function isTicking(states: States | undefined, job: number): boolean {
  const state = stateOf(states, job);
  return state === "queued" || LIVE.has(state ?? "");
}

function seconds(states: States, job: number, state: string, now: number): number | undefined {
  const begin = state === "queued" ? states.ready[job] : states.started[job];
  if (begin === null || begin === undefined) return undefined;
  const end = isTicking(states, job) ? now - states.base : states.ended[job];
  return end === null || end === undefined ? undefined : Math.max(0, end - begin) / 1000;
}
