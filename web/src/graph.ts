// The graph of a DAG, on the pages that show one. Loaded beside app.js; reads its data from the JSON API.
export {};
