// The few tools of a graph: find a job by name, fit, life size.
import type { Camera } from "./camera";
import type { Scene } from "./scene";

/** The bar with the tools; Enter in its field chooses the first job found. */
export function toolbar(camera: Camera, scene: Scene, choose: (job: number) => void): HTMLElement {
  const bar = document.createElement("div");
  bar.className = "toolbar";
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = `Find in ${scene.structure.jobs.length} jobs`;
  field.setAttribute("aria-label", "Find a job in the graph");
  let found: number[] = [];
  field.addEventListener("input", () => {
    found = scene.find(field.value);
  });
  field.addEventListener("keydown", (event) => {
    const first = found[0];
    if (event.key === "Enter" && first !== undefined) choose(first);
  });
  bar.append(
    field,
    button("Fit", "All of the graph (f)", () => camera.fit()),
    button("1:1", "Life size", () => camera.lifeSize()),
    hint("Ctrl + wheel zooms, drag moves"),
  );
  return bar;
}

function hint(text: string): HTMLElement {
  const out = document.createElement("span");
  out.className = "hint";
  out.textContent = text;
  return out;
}

function button(text: string, title: string, act: () => void): HTMLButtonElement {
  const out = document.createElement("button");
  out.type = "button";
  out.textContent = text;
  out.title = title;
  out.addEventListener("click", act);
  return out;
}
