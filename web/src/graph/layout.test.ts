import { describe, expect, test } from "vitest";
import { downstreamOf, layOut, NODE_HEIGHT, NODE_WIDTH, reach } from "./layout";

function layered(layers: number, width: number, parents: number): number[][] {
  let seed = 7;
  const random = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 2147483648;
  };
  const upstream: number[][] = [];
  for (let layer = 0; layer < layers; layer++) {
    for (let place = 0; place < width; place++) {
      const ups = new Set<number>();
      for (let n = 0; layer > 0 && n < parents; n++) {
        ups.add((layer - 1) * width + Math.floor(random() * width));
      }
      upstream.push([...ups]);
    }
  }
  return upstream;
}

function overlaps(upstream: number[][]): number {
  const { x, y } = layOut(upstream);
  let found = 0;
  for (let a = 0; a < x.length; a++) {
    for (let b = a + 1; b < x.length; b++) {
      const apart =
        Math.abs((x[a] ?? 0) - (x[b] ?? 0)) >= NODE_WIDTH ||
        Math.abs((y[a] ?? 0) - (y[b] ?? 0)) >= NODE_HEIGHT;
      if (!apart) found++;
    }
  }
  return found;
}

describe("layOut", () => {
  test("puts a job to the right of what it waits for", () => {
    const upstream = layered(10, 20, 3);
    const { x } = layOut(upstream);
    upstream.forEach((ups, job) => {
      for (const up of ups) expect((x[up] ?? 0) + NODE_WIDTH).toBeLessThan(x[job] ?? 0);
    });
  });

  test.each([
    ["a chain", [[], [0], [1], [2]]],
    ["a diamond", [[], [0], [0], [1, 2]]],
    [
      "a wide fan-out and join",
      [[], ...Array.from({ length: 300 }, () => [0]), Array.from({ length: 300 }, (_, n) => n + 1)],
    ],
    ["random layers", layered(6, 30, 3)],
    ["jobs without edges", Array.from({ length: 50 }, () => [])],
  ])("lets no two jobs overlap: %s", (_, upstream) => {
    expect(overlaps(upstream as number[][])).toBe(0);
  });

  test("draws a chain as a straight line", () => {
    const { y } = layOut([[], [0], [1], [2]]);
    expect(new Set(y)).toEqual(new Set([0]));
  });

  test("puts a late source next to the job that waits for it", () => {
    const { layer } = layOut([[], [0], [1], [], [2, 3]]);
    expect(layer[3]).toBe(2);
  });

  test("wraps a layer of a thousand into a block that fits a screen", () => {
    const fan = [[], ...Array.from({ length: 1000 }, () => [0])];
    const { width, height } = layOut(fan);
    expect(width / height).toBeGreaterThan(1);
    expect(width / height).toBeLessThan(4);
  });

  test("places a thousand jobs in less than a second", () => {
    const upstream = layered(10, 100, 3);
    const begun = performance.now();
    layOut(upstream);
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  test("keeps a layer of fifty in one column: its columns would read as layers", () => {
    const { x } = layOut([[], ...Array.from({ length: 50 }, () => [0])]);
    expect(new Set(x).size).toBe(2);
  });

  test("a huge layer does not fold its smaller neighbours", () => {
    const upstream: number[][] = Array.from({ length: 100 }, () => []);
    for (let n = 0; n < 300; n++) upstream.push([n % 100]);
    const { x } = layOut(upstream);
    expect(new Set(x.slice(0, 100)).size).toBe(1);
    expect(new Set(x.slice(100)).size).toBeGreaterThan(1);
  });

  test("lays jobs without edges out as a grid, row by row", () => {
    const { x, y, width, height } = layOut(Array.from({ length: 60 }, () => []));
    expect(new Set(x).size).toBeGreaterThan(5);
    expect([y[0], y[1]]).toEqual([0, 0]);
    expect(x[1]).toBeGreaterThan(x[0] ?? 0);
    expect(width / height).toBeGreaterThan(1.5);
  });

  test("takes an empty graph", () => {
    expect(layOut([])).toMatchObject({ width: 0, height: 0 });
  });
});

describe("reach", () => {
  test("follows edges both ways, the job included", () => {
    const upstream = [[], [0], [0], [1, 2], []];
    expect(reach(3, upstream)).toEqual(new Set([0, 1, 2, 3]));
    expect(reach(1, downstreamOf(upstream))).toEqual(new Set([1, 3]));
  });
});
