// What the pages do better with a script; without it they do the same with a click more.
"use strict";

// A slider over time says where it is, in UTC, and moves the field of date and time along.
for (const output of document.querySelectorAll("output[data-moment]")) {
  const input = document.getElementById(output.dataset.moment);
  const field = document.getElementById("time");
  input?.addEventListener("input", () => {
    const text = new Date(input.valueAsNumber * 1000).toISOString().slice(0, 19);
    output.value = text.replace("T", " ");
    if (field) field.value = text;
  });
}

// What is being read is looked at again, until it is there or the reader has gone on to something else.
if (document.querySelector("[data-again]")) setTimeout(() => location.reload(), 1000);

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
