// Where the jobs of a graph stand: left to right, one column per layer. Pure; knows nothing of the page.
// A light layered layout of our own: the usual libraries need minutes for a thousand jobs.

export interface Layout {
  x: Float64Array; // left edge, by index
  y: Float64Array; // top edge, by index
  layer: Int32Array;
  width: number;
  height: number;
}

export const NODE_WIDTH = 184;
export const NODE_HEIGHT = 44;
const COLUMN_GAP = 48;
const SUBCOLUMN_GAP = 16;
const ROW = NODE_HEIGHT + 12;
const SWEEPS = 12;
const WRAP_ABOVE = 150; // jobs in a layer before it becomes a block: its columns could be taken for layers
const GRID_LEAST = 6; // as many as fill a usual width at life size
const GRID_ASPECT = 0.8; // columns to rows: nodes are wide, the picture is wider still
const PLEASANT_ASPECT = 2.2;

/** Indexes of the jobs that each job is waited for by. */
export function downstreamOf(upstream: readonly (readonly number[])[]): number[][] {
  const downstream: number[][] = upstream.map(() => []);
  upstream.forEach((ups, job) => {
    for (const up of ups) downstream[up]?.push(job);
  });
  return downstream;
}

/** All that can be reached from a job along the edges given, the job included. */
export function reach(from: number, edges: readonly (readonly number[])[]): Set<number> {
  const seen = new Set([from]);
  const open = [from];
  for (let job = open.pop(); job !== undefined; job = open.pop()) {
    for (const next of edges[job] ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(next);
    }
  }
  return seen;
}

/** Places every job. `upstream` is in topological order: a job's upstream have smaller indexes. */
export function layOut(upstream: readonly (readonly number[])[]): Layout {
  const downstream = downstreamOf(upstream);
  const layer = layersOf(upstream, downstream);
  if (downstream.every((next) => next.length === 0)) return grid(layer);
  const columns = group(layer);
  const rows = rowsFor(columns.map((column) => column.length));
  const center = new Float64Array(upstream.length);
  for (const column of columns) stack(column, center, rows);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const leftToRight = sweep % 2 === 0;
    for (const column of leftToRight ? columns : columns.toReversed()) {
      settle(column, center, leftToRight ? upstream : downstream, rows);
    }
  }
  return measure(columns, layer, center, rows);
}

/** Jobs that wait for none: row by row, in the shape of the picture. */
function grid(layer: Int32Array): Layout {
  const count = layer.length;
  const across = Math.min(count, Math.max(GRID_LEAST, Math.ceil(Math.sqrt(count * GRID_ASPECT))));
  const step = NODE_WIDTH + SUBCOLUMN_GAP;
  return {
    x: Float64Array.from(layer, (_, job) => (job % across) * step),
    y: Float64Array.from(layer, (_, job) => Math.floor(job / across) * ROW),
    layer,
    width: count === 0 ? 0 : across * step - SUBCOLUMN_GAP,
    height: count === 0 ? 0 : Math.ceil(count / across) * ROW - (ROW - NODE_HEIGHT),
  };
}

/** The longest way from a source; a source stands just before the first job that waits for it. */
function layersOf(upstream: readonly (readonly number[])[], downstream: number[][]): Int32Array {
  const layer = new Int32Array(upstream.length);
  upstream.forEach((ups, job) => {
    for (const up of ups) layer[job] = Math.max(layer[job] ?? 0, (layer[up] ?? 0) + 1);
  });
  upstream.forEach((ups, job) => {
    const next = downstream[job] ?? [];
    if (ups.length === 0 && next.length > 0) {
      layer[job] = Math.min(...next.map((down) => layer[down] ?? 0)) - 1;
    }
  });
  return layer;
}

function group(layer: Int32Array): number[][] {
  const columns: number[][] = [];
  layer.forEach((column, job) => {
    columns[column] ??= [];
    columns[column].push(job);
  });
  return Array.from(columns, (column) => column ?? []);
}

/** How many rows a layer may have before it is wrapped: so many that the whole has a pleasant shape. */
function rowsFor(sizes: number[]): number {
  const most = Math.max(0, ...sizes);
  if (most <= WRAP_ABOVE) return Math.max(most, 1);
  const unwrapped = Math.max(0, ...sizes.filter((size) => size <= WRAP_ABOVE));
  let best = most;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let rows = Math.min(12, most); rows <= most; rows++) {
    const width = sizes.reduce((sum, size) => sum + blockWidth(size, rows) + COLUMN_GAP, 0);
    const distance = Math.abs(
      Math.log(width / (Math.max(rows, unwrapped) * ROW) / PLEASANT_ASPECT),
    );
    if (distance < bestDistance) {
      best = rows;
      bestDistance = distance;
    }
  }
  return best;
}

/** How many columns a layer takes: one, unless it is too large for that. */
function columnsOf(size: number, rows: number): number {
  return size > WRAP_ABOVE ? Math.ceil(size / rows) : 1;
}

function blockWidth(size: number, rows: number): number {
  return columnsOf(size, rows) * (NODE_WIDTH + SUBCOLUMN_GAP) - SUBCOLUMN_GAP;
}

/** One under the other (row by row in a wrapped layer), around the middle line. */
function stack(column: number[], center: Float64Array, rows: number): void {
  const across = columnsOf(column.length, rows);
  const filled = Math.ceil(column.length / across);
  column.forEach((job, place) => {
    center[job] = (Math.floor(place / across) - (filled - 1) / 2) * ROW;
  });
}

/** Orders a column by the middle of its neighbours and moves each job as near to it as room allows. */
function settle(
  column: number[],
  center: Float64Array,
  edges: readonly (readonly number[])[],
  rows: number,
): void {
  const wish = new Map(column.map((job) => [job, middle(edges[job] ?? [], center, job)]));
  column.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0) || a - b);
  if (columnsOf(column.length, rows) > 1) {
    stack(column, center, rows);
    return;
  }
  const places = spread(column.map((job) => wish.get(job) ?? 0));
  column.forEach((job, place) => {
    center[job] = places[place] ?? 0;
  });
}

function middle(neighbours: readonly number[], center: Float64Array, job: number): number {
  if (neighbours.length === 0) return center[job] ?? 0;
  let sum = 0;
  for (const neighbour of neighbours) sum += center[neighbour] ?? 0;
  return sum / neighbours.length;
}

/** The places nearest to the wishes (least squares) that keep their order and a row between each two. */
function spread(wishes: number[]): number[] {
  const blocks: { sum: number; count: number }[] = [];
  wishes.forEach((wish, place) => {
    let block = { sum: wish - place * ROW, count: 1 };
    for (let last = blocks.at(-1); last && last.sum / last.count >= block.sum / block.count; ) {
      block = { sum: last.sum + block.sum, count: last.count + block.count };
      blocks.pop();
      last = blocks.at(-1);
    }
    blocks.push(block);
  });
  const places: number[] = [];
  for (const block of blocks) {
    for (let n = 0; n < block.count; n++) {
      places.push(block.sum / block.count + places.length * ROW);
    }
  }
  return places;
}

function measure(
  columns: number[][],
  layer: Int32Array,
  center: Float64Array,
  rows: number,
): Layout {
  const x = new Float64Array(center.length);
  let left = 0;
  for (const column of columns) {
    const across = columnsOf(column.length, rows);
    column.forEach((job, place) => {
      x[job] = left + (place % across) * (NODE_WIDTH + SUBCOLUMN_GAP);
    });
    left += blockWidth(column.length, rows) + COLUMN_GAP;
  }
  const top = center.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const bottom = center.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const y = center.map((value) => value - top);
  const empty = center.length === 0;
  return {
    x,
    y,
    layer,
    width: empty ? 0 : left - COLUMN_GAP,
    height: empty ? 0 : bottom - top + NODE_HEIGHT,
  };
}
