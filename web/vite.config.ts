import { defineConfig } from "vite";

// The names are fixed, so that a Flask template says `url_for("static", filename="app.js")` and needs no
// manifest. Nothing of a hash is in them: the templates add the version as a query (`?v=`) against stale caches.
// Every page loads app.js and app.css; an island that only some pages need is an entry of its own (graph.js).
export default defineConfig({
  base: "/static/",
  build: {
    outDir: "../moroccron/api/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // What others wrote and the bundle holds, with their terms.
    license: { fileName: "licenses.md" },
    rollupOptions: {
      input: { app: "src/app.ts", graph: "src/graph.ts" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "chunk-[name].js",
        assetFileNames: "[name][extname]",
      },
    },
  },
});
