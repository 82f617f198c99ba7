import { expect, test } from "vitest";
import { duration, relative } from "./format";

test.each([
  [0, "0 ms"],
  [0.34, "340 ms"],
  [0.9996, "1.0 s"],
  [4.24, "4.2 s"],
  [9.96, "10 s"],
  [59.7, "1 min 00 s"],
  [200, "3 min 20 s"],
  [7500, "2 h 05 min"],
  [273_600, "3 d 4 h"],
  [-5, "-5.0 s"],
])("a duration of %d s reads %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test.each([
  [-0.4, "just now"],
  [-59, "59 s ago"],
  [-200, "3 min ago"],
  [7300, "in 2 h"],
  [-180_000, "2 d ago"],
])("a moment %d s away reads %s", (seconds, text) => {
  expect(relative(seconds)).toBe(text);
});
