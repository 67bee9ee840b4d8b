"use strict";
// Hides and isolates series, sorts tables. The page is complete without it.
(() => {
  const chips = [...document.querySelectorAll(".chip")];
  const all = document.querySelector(".all");
  const hint = document.querySelector(".hint");
  const hidden = new Set();
  hint.hidden = false;

  const show = () => {
    for (const chip of chips) {
      chip.setAttribute("aria-pressed", String(!hidden.has(chip.dataset.collector)));
    }
    for (const part of document.querySelectorAll("g.series, tr[data-collector]")) {
      part.classList.toggle("off", hidden.has(part.dataset.collector));
    }
    all.hidden = hidden.size === 0;
  };
  const toggle = (name) => {
    if (!hidden.delete(name)) hidden.add(name);
    show();
  };
  const isolate = (name) => {
    const others = chips.map((chip) => chip.dataset.collector).filter((other) => other !== name);
    const alone = !hidden.has(name) && others.every((other) => hidden.has(other));
    hidden.clear();
    // Isolating the only visible one shows the others again.
    if (!alone) for (const other of others) hidden.add(other);
    show();
  };
  for (const chip of chips) {
    const name = chip.dataset.collector;
    // The second click of a double click must not undo the first one.
    let before = null;
    chip.addEventListener("click", (event) => {
      if (event.shiftKey) return isolate(name);
      if (event.detail < 2) before = new Set(hidden);
      if (event.detail === 2) {
        hidden.clear();
        for (const other of before) hidden.add(other);
        return isolate(name);
      }
      toggle(name);
    });
  }
  all.addEventListener("click", () => {
    hidden.clear();
    show();
    chips[0].focus();
  });

  for (const table of document.querySelectorAll("table.numbers")) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    heads.forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const ascending = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        const key = (row) => {
          const cell = row.cells[column];
          if (column === 0) return cell.textContent;
          return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
        };
        const rows = [...body.rows].sort((a, b) => {
          const [x, y] = [key(a), key(b)];
          // Unknown values come last in both orders.
          if (x === null || y === null) return (x === null) - (y === null);
          const order = x < y ? -1 : x > y ? 1 : 0;
          return ascending ? order : -order;
        });
        body.append(...rows);
      });
    });
  }
})();
