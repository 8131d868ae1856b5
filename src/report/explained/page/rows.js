/* Where each event stands, from top to bottom. */

const ROW_HEIGHT = 27;
const LINE_HEIGHT = 18;
const LULL_HEIGHT = 24;
const LINES_MAX = 3;

/** Lines of the history that tell no more than their event. */
const PLAIN_LINES = new Set(["plan", "boot", "down", "heal", "end"]);

/** The rows of the events that are shown. */
class Rows {
  constructor(graph, ids) {
    const events = graph.data.events;
    const last = events.length > 0 ? events[events.length - 1].at_ns : 0;
    /** A silence that is worth a word. */
    const lull = Math.max(last / 10, 1);
    this.ids = ids;
    this.places = new Map(ids.map((id, place) => [id, place]));
    this.rows = [];
    let top = 0;
    let before = null;
    for (const id of ids) {
      const event = events[id];
      const silence = before === null ? 0 : event.at_ns - before.at_ns;
      const isNow = before === null || event.at !== before.at;
      const row = { event, lines: [], hidden: 0, lull: null, top, isNow };
      if (silence >= lull) row.lull = silence;
      this.#addLines(row, graph.data.history);
      row.y = top + (row.lull ? LULL_HEIGHT : 0) + ROW_HEIGHT / 2;
      row.height = (row.lull ? LULL_HEIGHT : 0) + ROW_HEIGHT
        + LINE_HEIGHT * (row.lines.length + (row.hidden > 0 ? 1 : 0))
        + (row.lines.length > 0 ? 4 : 0);
      top += row.height;
      this.rows.push(row);
      before = event;
    }
    this.height = top;
  }

  /** What shows the failure goes first. */
  #addLines(row, history) {
    const lines = row.event.operations
      .map((line) => history[line])
      .filter((line) => !PLAIN_LINES.has(line.kind));
    const shown = [...lines.filter((line) => line.shows), ...lines.filter((line) => !line.shows)];
    const max = lines.length > LINES_MAX + 1 ? LINES_MAX : lines.length;
    const kept = new Set(shown.slice(0, max));
    row.lines = lines.filter((line) => kept.has(line));
    row.hidden = lines.length - row.lines.length;
  }

  has(id) {
    return this.places.has(id);
  }

  row(id) {
    return this.rows[this.places.get(id)];
  }

  /** The height at which an event stands, or would stand between those that are shown. */
  y(id) {
    if (this.has(id)) return this.row(id).y;
    const next = this.#first((row) => row.event.id > id);
    return next < this.rows.length ? this.rows[next].top : this.height;
  }

  /** The places of the first row that reaches below `top` and of the first below `bottom`. */
  within(top, bottom) {
    const from = this.#first((row) => row.top + row.height > top);
    const to = this.#first((row) => row.top >= bottom);
    return [from, to];
  }

  /** The first place for which a condition holds that holds for all after it. */
  #first(holds) {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.rows[middle])) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
