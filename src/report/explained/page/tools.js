/* The bar above the diagram: what is shown, what is searched for, help. */

const KEYS = [
  ["j k, ↓ ↑", "next and previous event"],
  ["g G", "first and last event"],
  ["Enter", "into the panel of the chosen event"],
  ["Escape", "back out: search, event"],
  ["p", "what led to the failure, or all events"],
  ["/ n N", "search; next and previous hit"],
  ["?", "this help"],
];

/** Marks that need a word. */
const KIND_NAMES = {
  boot: "process starts", message: "message is handled", timer: "timer fires",
  sync: "disk has synced", notice: "connection is gone", input: "input from outside",
  drop: "message is lost",
  void: "message leads nowhere", dead: "message comes to nobody", crash: "crash",
  "power-cut": "power cut", exit: "process exits", pause: "machine is paused",
  resume: "machine goes on", fault: "fault strikes", lift: "fault is over",
  heal: "all faults are over", end: "end of the run",
};

/** The bar; `view` is what is shown, and `changed` is called when it is to be drawn anew. */
class Tools {
  constructor(graph, view, changed) {
    this.view = view;
    this.changed = changed;
    const { data } = graph;
    this.scopes = [
      this.#scope("past", "What led to it", data.past.length),
      this.#scope("all", "All events", data.events.length),
    ];
    this.help = helpDialog();
    this.hits = html("output", { class: "hits" });
    this.search = html("input", {
      type: "search", placeholder: "Search", "aria-label": "Search the events", spellcheck: "false",
      oninput: () => this.#sought(), onkeydown: (event) => this.#searchKey(event),
    });
    const machines = data.machines.map(({ id, name }) => [id, name]);
    const hasWorld = data.events.some((event) => event.machine === null);
    if (hasWorld) machines.push([null, "the whole world"]);
    const present = new Set(data.events.map((event) => event.kind));
    const kinds = Object.keys(MARKS).filter((kind) => present.has(kind))
      .map((kind) => [kind, KIND_NAMES[kind] ?? kind]);
    this.menus = [
      this.#menu("Machines", "machine", machines, view.hiddenMachines, () => null),
      this.#menu("Kinds", "kind", kinds, view.hiddenKinds, markIcon),
    ];
    this.element = html("div", { class: "tools" },
      html("div", { class: "scopes", role: "group", "aria-label": "Events" }, this.scopes),
      this.menus.map((menu) => menu.element),
      html("span", { class: "search" }, this.search, this.hits),
      html("span", { class: "right" },
        button("☾", "theme", "Dark or light", switchTheme),
        button("?", "help", "Keys and signs", () => this.help.showModal())),
      this.help,
    );
  }

  /** Makes the bar say what the view is. */
  refresh(hits) {
    for (const scope of this.scopes) {
      scope.setAttribute("aria-pressed", String(scope.dataset.scope === this.view.scope));
    }
    for (const menu of this.menus) menu.refresh();
    const place = hits.indexOf(this.view.selected);
    const which = place < 0 ? count(hits.length) : `${count(place + 1)} of ${count(hits.length)}`;
    this.hits.textContent = this.view.query === "" ? "" : which;
  }

  /** Closes what is open in front of the diagram; whether anything was. */
  closeMenus() {
    const open = this.menus.filter((menu) => menu.element.open);
    for (const menu of open) menu.element.open = false;
    return open.length > 0;
  }

  clearSearch() {
    this.search.value = "";
    this.#sought();
  }

  #scope(scope, text, number) {
    const choose = () => {
      this.view.scope = scope;
      this.changed();
    };
    return html("button", { type: "button", "data-scope": scope, onclick: choose },
      text, " ", html("span", { class: "number" }, count(number)));
  }

  #sought() {
    this.view.query = this.search.value.trim().toLowerCase();
    this.changed();
  }

  #searchKey(event) {
    if (event.key === "Enter") this.onhit(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") {
      this.clearSearch();
      this.onleave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Boxes to tick, of which `hidden` keeps those that are not. */
  #menu(title, what, entries, hidden, icon) {
    const number = html("span", { class: "number" });
    const show = (keys, isShown) => {
      for (const key of keys) {
        if (isShown) hidden.delete(key);
        else hidden.add(key);
      }
      this.changed();
    };
    const keys = entries.map(([key]) => key);
    const boxes = entries.map(([key]) => html("input", {
      type: "checkbox", [`data-${what}`]: key === null ? "world" : key,
      onchange: (event) => show([key], event.target.checked),
    }));
    const only = (key) => () => {
      show(keys, false);
      show([key], true);
    };
    const items = entries.map(([key, text], place) => html("li", {},
      html("label", {}, boxes[place], icon(key), text),
      html("button", { type: "button", class: "only", onclick: only(key) }, "only")));
    const all = html("button", { type: "button", onclick: () => show(keys, true) }, "Show all");
    const element = html("details", { class: "menu" },
      html("summary", {}, title, " ", number), html("ul", {}, items, html("li", {}, all)));
    const refresh = () => {
      boxes.forEach((box, place) => {
        box.checked = !hidden.has(keys[place]);
      });
      number.textContent = hidden.size > 0 ? `${keys.length - hidden.size} of ${keys.length}` : "";
    };
    return { element, refresh };
  }
}

function button(text, name, title, onclick) {
  return html("button", { type: "button", class: name, title, "aria-label": title, onclick }, text);
}

/** From what the system asks for to the other theme, and back. */
function switchTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
}

function helpDialog() {
  const keys = KEYS.map(([key, text]) => [html("dt", {}, key), html("dd", {}, text)]);
  const marks = Object.keys(MARKS)
    .map((kind) => html("li", {}, markIcon(kind), KIND_NAMES[kind] ?? kind));
  const dialog = html("dialog", { class: "guide", "aria-label": "Keys and signs" },
    html("h2", {}, "How to read it"),
    html("p", {}, "Time goes down; each machine has a lane, each event a row. An arrow is a"
      + " message, from where it was sent to where it ended. Choose an event, and all that led to"
      + " it is lit."),
    html("p", {}, "The curve on the left says how often the run fails if it is kept up to there and"
      + " the rest is drawn anew. The red dot is the event that made the failure likely."),
    html("h2", {}, "Keys"), html("dl", {}, keys),
    html("h2", {}, "Marks"), html("ul", { class: "marks" }, marks),
    html("ul", { class: "marks" },
      sign("late", "message is late"), sign("copy", "message is doubled"),
      sign("down", "machine is down"), sign("pause", "machine is paused"),
      sign("cut", "link is cut, held or slow"), sign("anchor", "shows the failure")),
    html("form", { method: "dialog" }, html("button", {}, "Close")),
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}

/** A sign of the legend that is no mark of an event. */
function sign(name, text) {
  const arrow = (isCopy) => {
    return svg("g", { class: "arrow trouble" }, arrowPaths([-12, 0], [15, 0], true, isCopy));
  };
  const pictures = {
    late: () => arrow(false),
    copy: () => arrow(true),
    anchor: () => svg("rect", { class: "anchor-bar", x: -1.5, y: -9, width: 3, height: 18 }),
  };
  const band = () => {
    return svg("rect", { class: `band ${name}`, x: -5, y: -9, width: 10, height: 18, rx: 3 });
  };
  const picture = (pictures[name] ?? band)();
  return html("li", {}, icon(picture), text);
}
