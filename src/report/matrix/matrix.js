"use strict";
(() => {
  const panel = document.getElementById("panel");
  const buttons = [...document.querySelectorAll("button[data-cell]")];
  let chosen = null;

  const open = (button) => {
    const template = document.getElementById(button.dataset.cell);
    panel.replaceChildren(template.content.cloneNode(true));
    panel.scrollTop = 0;
    if (chosen) chosen.removeAttribute("aria-pressed");
    chosen = button;
    button.setAttribute("aria-pressed", "true");
    history.replaceState(null, "", "#" + button.dataset.cell);
  };

  const beside = (button, dx, dy) => {
    const cell = button.parentElement;
    if (dx) {
      const next = dx > 0 ? cell.nextElementSibling : cell.previousElementSibling;
      return next && next.querySelector("button[data-cell]");
    }
    const rows = [...document.querySelectorAll("tbody tr:not(.topic)")];
    const row = rows[rows.indexOf(cell.parentElement) + dy];
    return row && row.children[cell.cellIndex].querySelector("button[data-cell]");
  };

  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  for (const button of buttons) {
    button.addEventListener("click", () => open(button));
    button.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      const next = move && beside(button, ...move);
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
  }
  const named = decodeURIComponent(location.hash.slice(1));
  const first = buttons.find((button) => button.dataset.cell === named);
  if (first) open(first);
})();
