// What the pages do better with a script; without it they do the same with a click more.
"use strict";

for (const output of document.querySelectorAll("output[data-shows]")) {
  const input = document.getElementById(output.dataset.shows);
  input?.addEventListener("input", () => { output.value = input.value; });
}

// "/" goes to the search, here or on the page that has one.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  const search = document.querySelector("[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});
