/* The diagram of one explanation, and all that can be done with it. */

/** Rows that are kept ready above and below what is seen, in pixels. */
const OVERSCAN = 400;

const LANE_WIDTH_MAX = 74;
const LANE_WIDTH_MIN = 16;
const TEXT_WIDTH_MIN = 150;

/** Marks of one kind in the overview. */
const TICKS_MAX = 500;

/** How wide a letter of a machine's name is, at most. */
const LETTER_WIDTH = 6.2;

/** A diagram inside `root`, which may hold the story of the same failure. */
class Explorer {
  /** The one that listens to the keyboard: the last that was touched. */
  static active = null;
  static #total = 0;

  constructor(root, data) {
    this.root = root;
    this.graph = new Graph(data);
    this.name = `explorer-${Explorer.#total += 1}`;
    this.view = {
      scope: data.past.length > 0 ? "past" : "all",
      hiddenMachines: new Set(), hiddenKinds: new Set(), query: "", selected: null,
    };
    this.elements = new Map();
    this.range = "";
    this.#build();
    this.#listen();
    this.refresh();
  }

  /** Chooses an event, and brings it into sight; with null chooses none. */
  select(id) {
    if (id !== null) this.#reveal(id);
    this.view.selected = id;
    this.#light();
    this.panel.show(id, this.lit);
    this.root.classList.toggle("has-event", id !== null);
    this.#redraw();
    if (id !== null) this.#bring(id);
  }

  /** Shows what the view asks for, from the start. */
  refresh() {
    const before = this.#anchorRow();
    this.#filter();
    if (this.view.selected !== null && !this.rows.has(this.view.selected)) {
      this.view.selected = null;
      this.panel.show(null);
      this.root.classList.remove("has-event");
    }
    this.#light();
    this.#arrange();
    this.tools.refresh(this.hits);
    this.#redraw();
    if (before !== null) this.scroll.scrollTop = this.rows.y(before.id) - before.offset;
    this.#draw();
  }

  #build() {
    const { root } = this;
    this.tools = new Tools(this.graph, this.view, () => this.refresh());
    this.tools.onhit = (way) => this.#hit(way);
    this.tools.onleave = () => this.scroll.focus();
    this.panel = new Panel(this.graph, (id) => this.select(id), () => this.#leave());
    this.heads = html("div", { class: "heads", "aria-hidden": "true" });
    this.picture = svg("svg", { class: "picture", "aria-hidden": "true" });
    this.marks = svg("g", { class: "marks" });
    this.list = html("div", { class: "rows" });
    this.empty = html("p", { class: "notice", hidden: true }, "No event passes the filters.");
    this.canvas = html("div", { class: "canvas" }, this.list, this.picture);
    this.overview = html("div", { class: "overview", "aria-hidden": "true" });
    this.scroll = html("div", {
      class: "scroll", tabindex: "0", role: "listbox", "aria-label": "Events",
    }, this.heads, this.canvas, this.empty);
    const story = root.querySelector(".story");
    const side = html("aside", { class: "side" }, story, this.panel.element);
    root.append(html("div", { class: "board" },
      html("div", { class: "diagram" }, this.tools.element,
        html("div", { class: "stage" }, this.scroll, this.overview)), side));
    root.classList.add("ready");
  }

  #listen() {
    const { root, scroll } = this;
    scroll.addEventListener("scroll", () => this.#draw(), { passive: true });
    this.list.addEventListener("click", (event) => {
      const row = event.target.closest("[data-event]");
      if (row) this.#choose(Number(row.dataset.event));
    });
    this.overview.addEventListener("click", (event) => this.#survey(event));
    root.addEventListener("click", (event) => this.#clicked(event));
    root.addEventListener("pointerdown", () => {
      Explorer.active = this;
    });
    Explorer.active ??= this;
    document.addEventListener("keydown", (event) => {
      if (Explorer.active === this) this.#key(event);
    });
    // In the next frame: what is drawn may resize what is observed.
    new ResizeObserver(() => requestAnimationFrame(() => this.#resized())).observe(scroll);
  }

  /** A second click on an event leaves it. */
  #choose(id) {
    this.select(this.view.selected === id ? null : id);
    this.scroll.focus({ preventScroll: true });
  }

  #leave() {
    this.select(null);
    this.scroll.focus({ preventScroll: true });
  }

  /** Clicks on what the story has, and clicks beside an open menu. */
  #clicked(event) {
    if (!event.target.closest(".menu")) this.tools.closeMenus();
    const link = event.target.closest(".story [data-goto]");
    if (link) this.select(Number(link.dataset.goto));
    const copy = event.target.closest(".copy");
    if (copy) this.#copy(copy);
  }

  /** From a disk there may be no clipboard: then the line is marked, to be copied by hand. */
  async #copy(copy) {
    const line = copy.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(line.textContent.trim());
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(line);
      copy.textContent = "Marked";
    }
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.tools.help.open || event.target.matches?.("input, textarea, select")) return;
    const isPressed = event.target.matches?.("button, summary, a");
    if (isPressed && (event.key === "Enter" || event.key === " ")) return;
    const inPanel = this.panel.element.contains(event.target);
    if (inPanel && event.key.startsWith("Arrow")) return;
    const act = this.#action(event.key);
    if (act === null) return;
    event.preventDefault();
    act();
  }

  #action(key) {
    switch (key) {
      case "j": case "ArrowDown": return () => this.#step(1);
      case "k": case "ArrowUp": return () => this.#step(-1);
      case "g": case "Home": return () => this.#to(0);
      case "G": case "End": return () => this.#to(this.rows.ids.length - 1);
      case "n": return () => this.#hit(1);
      case "N": return () => this.#hit(-1);
      case "p": return () => this.#switchScope();
      case "/": return () => this.tools.search.select();
      case "?": return () => this.tools.help.showModal();
      case "Enter": return () => {
        if (this.view.selected === null) this.#step(1);
        else this.panel.element.focus();
      };
      case "Escape": return () => {
        if (this.tools.closeMenus()) return;
        if (this.view.query !== "") this.tools.clearSearch();
        else this.#leave();
      };
      default: return null;
    }
  }

  #switchScope() {
    this.view.scope = this.view.scope === "past" ? "all" : "past";
    this.refresh();
  }

  #step(way) {
    const { ids } = this.rows;
    const { selected } = this.view;
    if (selected !== null) return this.#to(this.rows.places.get(selected) + way);
    const [first, end] = this.rows.within(this.scroll.scrollTop, Infinity);
    return this.#to(way > 0 ? first : Math.min(end, ids.length) - 1);
  }

  #to(place) {
    const { ids } = this.rows;
    if (ids.length === 0) return;
    this.select(ids[Math.min(Math.max(place, 0), ids.length - 1)]);
  }

  /** To the next event that is searched for, or the one before. */
  #hit(way) {
    if (this.hits.length === 0) return;
    const here = this.view.selected ?? -1;
    const next = way > 0 ? this.hits.find((id) => id > here) ?? this.hits[0]
      : this.hits.findLast((id) => id < here) ?? this.hits[this.hits.length - 1];
    this.select(next);
    this.tools.refresh(this.hits);
  }

  /** Takes back the filters that hide an event. */
  #reveal(id) {
    if (this.rows.has(id)) return;
    const { view, graph } = this;
    const event = graph.event(id);
    if (!graph.past.has(id)) view.scope = "all";
    view.hiddenMachines.delete(event.machine);
    view.hiddenKinds.delete(event.kind);
    this.refresh();
  }

  #filter() {
    const { view, graph } = this;
    const { events } = graph.data;
    const shown = events.filter((event) => {
      return (view.scope === "all" || graph.past.has(event.id))
        && !view.hiddenMachines.has(event.machine) && !view.hiddenKinds.has(event.kind);
    });
    this.rows = new Rows(graph, shown.map((event) => event.id));
    const isHit = (id) => graph.text(id).includes(view.query);
    this.hits = view.query === "" ? [] : this.rows.ids.filter(isHit);
    this.isHit = new Set(this.hits);
    this.empty.hidden = shown.length > 0;
  }

  /** What led to the chosen event; if none is, to the failure. */
  #light() {
    const { selected } = this.view;
    this.lit = selected === null ? this.graph.past : this.graph.pastOf(selected);
    this.root.classList.toggle("has-selected", selected !== null);
  }

  /** The whole at the edge: where the failure shows, where steps took hold, what is sought. */
  #outline() {
    const { rows, graph, scroll, overview } = this;
    const isLong = rows.height > scroll.clientHeight;
    overview.hidden = !isLong;
    if (!isLong) return;
    overview.style.right = `${scroll.offsetWidth - scroll.clientWidth}px`;
    overview.style.top = `${this.heads.offsetHeight}px`;
    const tick = (kind) => (id) => {
      if (!rows.has(id)) return null;
      const top = `${(100 * rows.y(id) / rows.height).toFixed(2)}%`;
      return html("i", { class: kind, style: `top: ${top}`, "data-tick": id });
    };
    const { selected } = this.view;
    overview.replaceChildren(...[
      ...this.hits.slice(0, TICKS_MAX).map(tick("hit")),
      ...[...graph.steps.keys()].slice(0, TICKS_MAX).map(tick("step")),
      ...[...graph.anchors].slice(0, TICKS_MAX).map(tick("anchor")),
      selected === null ? null : tick("selected")(selected),
    ].filter((mark) => mark !== null));
  }

  /** To what stands at that height of the whole. */
  #survey(event) {
    if (event.target.dataset.tick) return this.select(Number(event.target.dataset.tick));
    const box = this.overview.getBoundingClientRect();
    const y = this.rows.height * (event.clientY - box.top) / box.height;
    this.scroll.scrollTop = y - this.scroll.clientHeight / 2;
    return undefined;
  }

  /** Where the columns stand. */
  #arrange() {
    const { data } = this.graph;
    // A machine of which nothing is shown needs no lane.
    const busy = new Set(this.rows.rows.map(({ event }) => event.machine));
    const shown = data.machines.filter(({ id }) => busy.has(id));
    const total = this.scroll.clientWidth;
    const isNarrow = total < 560;
    const digits = data.events.reduce((most, { at }) => Math.max(most, at.length), 3);
    const time = 20 + digits * (isNarrow ? 6.2 : 7);
    const width = data.curve.length === 0 ? 0 : isNarrow ? 26 : 52;
    const left = time + width + (width > 0 ? 10 : 0);
    const room = Math.min(total * (isNarrow ? 0.4 : 0.48), total - left - TEXT_WIDTH_MIN);
    const fitting = room / Math.max(shown.length, 1);
    const pitch = Math.max(Math.min(fitting, LANE_WIDTH_MAX), LANE_WIDTH_MIN);
    const lanes = new Map(shown.map(({ id }, place) => [id, left + (place + 0.5) * pitch]));
    const text = left + shown.length * pitch + 8;
    this.root.classList.toggle("narrow", isNarrow);
    this.columns = { lanes, curve: time, width, pitch, text };
    this.root.style.setProperty("--text", `${text}px`);
    this.root.style.setProperty("--time", `${time}px`);
    const full = Math.max(total, text + TEXT_WIDTH_MIN);
    this.canvas.style.width = `${full}px`;
    this.heads.style.width = `${full}px`;
    this.canvas.style.height = `${this.rows.height + 12}px`;
    this.#head(shown);
    this.drawing = new Drawing(this.graph, this.rows, this.columns);
  }

  #head(shown) {
    const { pitch, lanes, curve, width, text } = this.columns;
    const longest = Math.max(0, ...shown.map(({ name }) => name.length));
    const isUpright = longest * LETTER_WIDTH + 6 <= pitch;
    this.heads.classList.toggle("upright", isUpright);
    const names = shown.map(({ id, name, role }) => html("span", {
      class: "name", title: `${name} (${role})`, style: `left: ${lanes.get(id)}px`,
    }, name));
    const scale = width === 0 ? [] : [html("span", {
      class: "scale", style: `left: ${curve}px; width: ${width}px`,
      title: "How often it fails if it is kept up to here and the rest is drawn anew",
    }, "P(fail)")];
    const height = isUpright ? 30 : Math.min(longest * LETTER_WIDTH + 22, 110);
    this.heads.style.height = `${height}px`;
    this.heads.replaceChildren(html("span", { class: "clock" }, "time"), ...scale, ...names,
      html("span", { class: "what", style: `left: ${text}px` }, "event"));
  }

  #resized() {
    if (this.width === this.scroll.clientWidth) return this.#draw();
    this.width = this.scroll.clientWidth;
    this.#arrange();
    return this.#redraw();
  }

  /** Draws anew what is seen, with all that is in it. */
  #redraw() {
    this.range = "";
    this.elements.clear();
    this.#outline();
    this.#draw();
  }

  /** Draws what is seen, unless it is drawn. Rows that were there stay there. */
  #draw() {
    const top = this.scroll.scrollTop - OVERSCAN;
    const bottom = this.scroll.scrollTop + this.scroll.clientHeight + OVERSCAN;
    const [from, to] = this.rows.within(top, bottom);
    const range = `${from} ${to}`;
    if (range === this.range) return;
    this.range = range;
    const rows = this.rows.rows.slice(from, to);
    const elements = new Map(rows.map((row) => {
      return [row.event.id, this.elements.get(row.event.id) ?? this.#row(row)];
    }));
    this.elements = elements;
    this.list.replaceChildren(...elements.values());
    this.#paint(rows);
    const chosen = this.view.selected;
    if (chosen === null) this.scroll.removeAttribute("aria-activedescendant");
    else this.scroll.setAttribute("aria-activedescendant", `${this.name}-${chosen}`);
  }

  #paint(rows) {
    const first = rows.length > 0 ? rows[0].top : 0;
    const end = rows.length > 0 ? rows[rows.length - 1] : null;
    const last = end === null ? 0 : end.top + end.height;
    const { text } = this.columns;
    const { picture, drawing } = this;
    picture.setAttribute("viewBox", `0 ${first} ${text} ${Math.max(last - first, 1)}`);
    picture.style.top = `${first}px`;
    picture.style.width = `${text}px`;
    picture.style.height = `${Math.max(last - first, 1)}px`;
    if (this.columns.lanes.size === 0) {
      picture.replaceChildren();
      return;
    }
    const layers = drawing.draw(first, last, this.lit, this.view.selected);
    const marks = svg("g", { class: "marks" }, rows.map((row) => drawing.mark(row)));
    picture.replaceChildren(...layers, marks);
  }

  #row(row) {
    const { event } = row;
    const { graph, view } = this;
    const isSelected = event.id === view.selected;
    const classes = ["row"];
    if (this.lit.has(event.id)) classes.push("lit");
    if (isSelected) classes.push("selected");
    if (this.isHit.has(event.id)) classes.push("hit");
    if (graph.anchors.has(event.id)) classes.push("anchor");
    const lull = row.lull === null ? null
      : html("span", { class: "lull" }, `${duration(row.lull)} later`);
    return html("div", {
      class: classes.join(" "), role: "option", id: `${this.name}-${event.id}`,
      "data-event": event.id, "data-kind": event.kind, "aria-selected": String(isSelected),
      style: `top: ${row.top}px; height: ${row.height}px`,
    }, lull,
    html("span", { class: row.isNow ? "time" : "time again" }, event.at),
    html("div", { class: "text" },
      html("p", { class: "headline" }, this.#tags(event),
        html("span", { class: "who" }, graph.name(event.machine)), this.#headline(event)),
      row.lines.map((line) => html("p", {
        class: `line ${line.kind} ${line.shows ? "shows" : ""}`, title: line.text,
      }, this.#deed(line, event))),
      row.hidden > 0 ? html("p", { class: "line more" }, `and ${row.hidden} lines more`) : null));
  }

  /** The few words that matter, then as much of the message as there is room for. */
  #headline(event) {
    const words = headline(this.graph, event);
    const message = this.graph.message(event);
    const rest = message === null ? null : message.text.replace(message.kind, "").trim();
    return [html("b", {}, words), rest ? html("span", { class: "rest", title: message.text }, rest)
      : null];
  }

  /** A line of the history without its machine, whose event has been named. */
  #deed(line, event) {
    const name = this.graph.name(event.machine);
    if (!line.text.startsWith(name)) return line.text;
    return line.text.slice(name.length).replace(/^'\d+/, "").trimStart();
  }

  #tags(event) {
    const { rise } = this.graph.data;
    const tags = (this.graph.steps.get(event.id) ?? []).map((number) => {
      return html("span", { class: "tag step" }, `step ${number}`);
    });
    if (rise !== null && rise.event === event.id) {
      const percent = (share) => Math.round(share * 100);
      tags.push(html("span", { class: "tag rise", title: "How often the run fails from here" },
        `P ${percent(rise.from)} → ${percent(rise.to)} %`));
    }
    return tags;
  }

  /** Scrolls no more than it takes. */
  #bring(id) {
    const row = this.rows.row(id);
    const box = this.scroll.getBoundingClientRect();
    // In a narrow window the panel lies over the lower end of the diagram.
    const panelTop = this.panel.element.parentElement.getBoundingClientRect().top;
    const covered = panelTop > box.top ? Math.max(box.bottom - panelTop, 0) : 0;
    const { scrollTop } = this.scroll;
    const clientHeight = this.scroll.clientHeight - covered;
    const head = this.heads.offsetHeight;
    const margin = Math.min(80, clientHeight / 4);
    if (row.top < scrollTop + margin) this.scroll.scrollTop = row.top - margin;
    else if (row.top + row.height > scrollTop + clientHeight - head - margin) {
      this.scroll.scrollTop = row.top + row.height - clientHeight + head + margin;
    }
    if (box.bottom < 120 || box.top > innerHeight - 120) {
      this.scroll.scrollIntoView({ block: "nearest" });
    }
    this.#draw();
  }

  /** The row that is to stay where it is when others come and go. */
  #anchorRow() {
    if (!this.rows || this.rows.ids.length === 0) return null;
    const { scrollTop, clientHeight } = this.scroll;
    const [first] = this.rows.within(scrollTop, scrollTop + clientHeight);
    const id = this.view.selected ?? this.rows.ids[Math.min(first, this.rows.ids.length - 1)];
    if (!this.rows.has(id)) return null;
    return scrollTop < 1 ? null : { id, offset: this.rows.y(id) - scrollTop };
  }
}
