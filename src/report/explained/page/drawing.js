/* The picture beside the rows: lanes, bands, arrows, marks and the curve. */

/** What each kind of event looks like, around the origin; `full` shapes are filled. */
const MARKS = {
  boot: { path: "M0-5.5A5.5 5.5 0 1 1 0 5.5A5.5 5.5 0 1 1 0-5.5M0-2.5V2.5M-2.5 0H2.5" },
  message: { path: "M0-4.5A4.5 4.5 0 1 1 0 4.5A4.5 4.5 0 1 1 0-4.5Z", full: true },
  timer: { path: "M0-5.5A5.5 5.5 0 1 1 0 5.5A5.5 5.5 0 1 1 0-5.5M0-3V0L2.5 1.5" },
  sync: { path: "M-4.5-4.5H4.5V4.5H-4.5ZM-2 0L-.5 1.8L2.5-1.8" },
  notice: { path: "M0-5L5 4H-5Z" },
  input: { path: "M-6 0H3M0-3.5L4 0L0 3.5" },
  drop: { path: "M-4.5-4.5L4.5 4.5M-4.5 4.5L4.5-4.5", tone: "trouble", stroke: 2.2 },
  void: { path: "M-3.5-3.5L3.5 3.5M-3.5 3.5L3.5-3.5", tone: "trouble" },
  dead: { path: "M0-5A5 5 0 1 1 0 5A5 5 0 1 1 0-5M-3.5 3.5L3.5-3.5", tone: "trouble" },
  crash: { path: "M-5-5L5 5M-5 5L5-5", tone: "fall", stroke: 3 },
  "power-cut": { path: "M1.5-8L-4.5 1H0L-1.5 8L4.5-1H0Z", tone: "fall", full: true },
  exit: { path: "M-4.5-4.5H4.5V4.5H-4.5Z", tone: "fall" },
  pause: { path: "M-2.5-5V5M2.5-5V5", tone: "trouble", stroke: 2.4 },
  resume: { path: "M-3-5L5 0L-3 5Z", tone: "trouble" },
  fault: { path: "M0-6.5L6.5 5H-6.5ZM0-2V1.2M0 2.8V3.2", tone: "trouble" },
  lift: { path: "M0 6L6-4.5H-6Z", tone: "trouble" },
  heal: { path: "M0-6L6 0L0 6L-6 0Z", tone: "good" },
  end: { path: "M-6 0H6", stroke: 3 },
};

const REACH = 7;

/** The mark of a kind of event. */
function markShape(kind) {
  const mark = MARKS[kind] ?? MARKS.message;
  const tone = `shape ${mark.tone ?? ""} ${mark.full ? "full" : ""}`;
  const style = mark.stroke ? `stroke-width: ${mark.stroke}px` : null;
  return svg("path", { d: mark.path, class: tone.trim(), style });
}

/** A small picture, for legends. */
function icon(picture) {
  return svg("svg", { class: "icon", viewBox: "-9 -9 18 18", "aria-hidden": "true" }, picture);
}

/** A small picture of a mark. */
function markIcon(kind) {
  return icon(markShape(kind));
}

/** What is drawn of some rows. `lanes` maps machines to their middles. */
class Drawing {
  constructor(graph, rows, columns) {
    this.graph = graph;
    this.rows = rows;
    this.lanes = columns.lanes;
    this.columns = columns;
  }

  /** What stands between two heights; `lit` are the events in light, `path` the chosen one. */
  draw(top, bottom, lit, selected) {
    this.lit = lit;
    this.selected = selected;
    this.taken = [];
    this.reaches = (from, to) => from <= bottom && to >= top;
    const middles = [...this.lanes.values()];
    this.leftmost = Math.min(...middles);
    this.rightmost = Math.max(...middles);
    const height = this.rows.height;
    const seen = [Math.max(top, 0), Math.min(bottom, height)];
    return [
      svg("g", { class: "bands" }, this.#linkBands(seen)),
      svg("g", { class: "lanes" }, middles.map((x) => this.#lane(x, seen))),
      svg("g", { class: "bands" }, this.#machineBands(seen)),
      svg("g", { class: "curve" }, this.#curve()),
      svg("g", { class: "threads" }, this.#threads()),
      svg("g", { class: "arrows" }, this.#arrows()),
    ];
  }

  /** The mark of an event. */
  mark(row) {
    const { event } = row;
    const x = this.#x(event);
    if (x === null) return null;
    const anchor = this.graph.anchors.has(event.id) ? " anchor" : "";
    const parts = [markShape(event.kind)];
    if (event.machine === null) {
      const d = `M${this.leftmost - x} 0H${this.rightmost - x}`;
      parts.unshift(svg("path", { class: "wide", d }));
    }
    return svg("g", {
      class: `mark${anchor}${this.lit.has(event.id) ? " lit" : ""}`,
      "data-event": event.id,
      transform: `translate(${x} ${row.y})`,
    }, parts);
  }

  /** Where an event is marked: a message that is lost ends beside its sender. */
  #x(event) {
    if (event.machine === null) return this.leftmost;
    const message = this.graph.message(event);
    if (message !== null && isLoss(event)) {
      return this.#brokenX(message);
    }
    return this.lanes.get(event.machine) ?? null;
  }

  #brokenX(message) {
    const [from, to] = [this.lanes.get(message.from), this.lanes.get(message.to)];
    if (from === undefined) return null;
    if (to === undefined || to === from) return from + this.columns.pitch * 0.4;
    const way = Math.min(Math.abs(to - from) * 0.5, this.columns.pitch * 0.6);
    return from + Math.sign(to - from) * way;
  }

  #lane(x, [top, bottom]) {
    return svg("path", { d: `M${x} ${top}V${bottom}` });
  }

  #extent(band) {
    return [this.rows.y(band.from), band.to === null ? this.rows.height : this.rows.y(band.to)];
  }

  /** Over the lanes between which nothing passes, or only late. */
  #linkBands(seen) {
    return this.graph.data.bands.filter((band) => band.links.length > 0).flatMap((band) => {
      const [from, to] = this.#extent(band);
      if (!this.reaches(from, to) || to - from < 1) return [];
      const spans = band.links
        .map((link) => link.map((machine) => this.lanes.get(machine)))
        .filter((ends) => ends.every((x) => x !== undefined))
        .map(([one, other]) => [Math.min(one, other), Math.max(one, other)]);
      return unite(spans).map(([left, right]) => this.#box(band, left, right, from, to, seen));
    });
  }

  /** Along the lanes of machines that are down, or do nothing. */
  #machineBands(seen) {
    return this.graph.data.bands.flatMap((band) => {
      const [from, to] = this.#extent(band);
      if (!this.reaches(from, to) || to - from < 1) return [];
      const lanes = band.machines.map((machine) => this.lanes.get(machine));
      const known = lanes.filter((x) => x !== undefined);
      return known.map((x) => this.#box(band, x - 5, x + 5, from, to, seen));
    });
  }

  /** A long box is cut off outside of what is seen. */
  #box(band, left, right, from, to, [top, bottom]) {
    const [upper, lower] = [Math.max(from, top - 20), Math.min(to, bottom + 20)];
    const size = { x: left, y: upper, width: right - left, height: Math.max(lower - upper, 0) };
    const box = svg("rect", { ...size, rx: 3, class: `band ${band.kind}` });
    box.append(svg("title", {}, band.text));
    return box;
  }

  /** How likely the failure was, from left to right, as time goes down. */
  #curve() {
    const { curve, width } = this.columns;
    const { rise } = this.graph.data;
    const points = this.#shares().map(([share, event]) => {
      return [curve + width * share, event === null ? 0 : this.rows.y(event)];
    });
    if (points.length === 0) return [];
    points.push([points[points.length - 1][0], this.rows.height]);
    const line = points.map(([x, y]) => `${x.toFixed(1)} ${y}`).join("L");
    const parts = [
      svg("path", { class: "area", d: `M${curve} 0L${line}L${curve} ${this.rows.height}Z` }),
      svg("path", { class: "line", d: `M${line}` }),
      ...[curve, curve + width].map((x) => {
        return svg("path", { class: "edge", d: `M${x} 0V${this.rows.height}` });
      }),
    ];
    if (rise !== null) {
      const [y, from] = [this.rows.y(rise.event), curve + width * rise.from];
      const to = curve + width * rise.to;
      parts.push(svg("path", { class: "rise", d: `M${from} ${y}H${to}` }));
      parts.push(svg("circle", { class: "rise", cx: to, cy: y, r: 3.5 }));
    }
    return parts;
  }

  /** The points of the curve, and the step of the rise where it belongs among them. */
  #shares() {
    const { curve, rise } = this.graph.data;
    const shares = curve.map(({ event, failed, of }) => [of > 0 ? failed / of : 0, event]);
    if (rise !== null) {
      const place = shares.findIndex(([, event]) => event !== null && event >= rise.event);
      const before = place < 0 ? shares.length : place;
      shares.splice(before, 0, [rise.from, rise.event], [rise.to, rise.event]);
    }
    return shares;
  }

  /** The order at each machine, as far as it led to the chosen event. */
  #threads() {
    if (this.selected === null) return [];
    const parts = [];
    for (const id of this.lit) {
      const event = this.graph.event(id);
      if (!this.rows.has(id) || event.machine === null || isLoss(event)) continue;
      const x = this.lanes.get(event.machine);
      for (const cause of event.causes) {
        const before = this.graph.event(cause);
        if (before.machine !== event.machine || !this.rows.has(cause)) continue;
        const [from, to] = [this.rows.y(cause), this.rows.y(id)];
        if (this.reaches(from, to)) parts.push(svg("path", { d: `M${x} ${from}V${to}` }));
      }
    }
    return parts;
  }

  #arrows() {
    return this.graph.data.messages.flatMap((message) => {
      const { sent, ended } = message;
      if (!this.rows.has(sent) || !this.lanes.has(message.from)) return [];
      if (ended !== null && this.rows.has(ended)) return this.#arrow(message);
      return message.fate === "delivered" ? [] : this.#stub(message);
    });
  }

  #arrow(message) {
    const from = [this.lanes.get(message.from), this.rows.y(message.sent)];
    const end = this.graph.event(message.ended);
    const to = [this.#x(end), this.rows.y(message.ended)];
    if (to[0] === null || !this.reaches(from[1], to[1])) return [];
    const isLit = this.lit.has(message.sent) && this.lit.has(message.ended);
    const group = this.#group(message, isLit);
    group.append(...arrowPaths(from, to, !isLoss(end), message.copy));
    this.#remark(group, remarks(message, this.graph.isLate(message)), from, to);
    return [group];
  }

  /** Words beside an arrow, where there are no others yet; if there are everywhere, none. */
  #remark(group, words, from, to) {
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    if (words === "" || Math.hypot(dx, dy) < 44) return;
    const width = words.length * 6;
    const isFree = ([x, y]) => this.taken.every((other) => {
      return Math.abs(other.x - x) > (other.width + width) / 2 || Math.abs(other.y - y) > 12;
    });
    const places = [0.5, 0.4, 0.6, 0.3, 0.7].map((part) => {
      return [from[0] + dx * part, from[1] + dy * part - 4];
    });
    const place = places.find(isFree);
    if (place === undefined) return;
    const [x, y] = place;
    this.taken.push({ x, y, width });
    group.append(svg("text", { x, y }, words));
  }

  /** A message that ends badly among events that are not shown. */
  #stub(message) {
    const x = this.lanes.get(message.from);
    const y = this.rows.y(message.sent);
    const end = this.#brokenX(message);
    if (!this.reaches(y, y + ROW_HEIGHT)) return [];
    const group = this.#group(message, this.lit.has(message.sent));
    const to = [end, y + ROW_HEIGHT / 2 - 1];
    group.classList.add("stub");
    group.append(...arrowPaths([x, y], to, message.fate === "waiting", message.copy));
    if (message.fate !== "waiting") {
      const cross = svg("g", { transform: `translate(${to[0]} ${to[1]}) scale(.8)` });
      cross.append(markShape("drop"));
      group.append(cross);
    }
    return [group];
  }

  #group(message, isLit) {
    const isTrouble = message.fate !== "delivered" || message.corrupted || message.copy
      || this.graph.isLate(message);
    const tone = `arrow ${isTrouble ? "trouble" : ""} ${isLit ? "lit" : ""}`;
    return svg("g", { class: tone.trim(), "data-message": message.id });
  }
}

/** Whether a message ended before it came to its machine. */
function isLoss(event) {
  return event.kind === "drop" || event.kind === "void";
}

/** What is odd about a message, in few words. */
function remarks(message, isLate) {
  const words = [];
  if (message.copy) words.push("copy");
  if (message.corrupted) words.push("bit flipped");
  if (isLate) words.push(`+${duration(message.late_ns)}`);
  return words.join(", ");
}

/** A line from point to point, short of the marks at both, with a head unless it is broken. */
function arrowPaths(from, to, isWhole, isCopy) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  if (Math.abs(dx) < 1) {
    const bow = `M${from[0] + 5} ${from[1]}q16 ${dy / 2} 0 ${dy}`;
    return [svg("path", { class: "shaft", d: bow })];
  }
  const [ux, uy] = [dx / length, dy / length];
  const start = [from[0] + ux * 4, from[1] + uy * 4];
  const end = [to[0] - ux * REACH, to[1] - uy * REACH];
  const at = ([x, y], along, aside) => {
    const [left, top] = [x + ux * along - uy * aside, y + uy * along + ux * aside];
    return `${left.toFixed(1)} ${top.toFixed(1)}`;
  };
  const shaft = (aside) => {
    return svg("path", { class: "shaft", d: `M${at(start, 0, aside)}L${at(end, 0, aside)}` });
  };
  const parts = isCopy ? [shaft(-1.8), shaft(1.8)] : [shaft(0)];
  if (isWhole) {
    const d = `M${at(end, 2, 0)}L${at(end, -6, 3.4)}L${at(end, -6, -3.4)}Z`;
    parts.push(svg("path", { class: "head", d }));
  }
  return parts;
}

/** Spans without their overlaps. */
function unite(spans) {
  const united = [];
  for (const [from, to] of spans.sort(([one], [other]) => one - other)) {
    const last = united[united.length - 1];
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else united.push([from, to]);
  }
  return united;
}
