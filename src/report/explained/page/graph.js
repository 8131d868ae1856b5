/* What led to what. */

/** The events of an explanation, with what is looked up of them. */
class Graph {
  constructor(data) {
    this.data = data;
    this.past = new Set(data.past);
    this.anchors = new Set(data.anchors);
    this.effects = data.events.map(() => []);
    this.sent = data.events.map(() => []);
    /** The steps without which the run does not fail in the same way, by their events. */
    this.steps = new Map();
    for (const event of data.events) {
      for (const cause of event.causes) this.effects[cause].push(event.id);
    }
    for (const message of data.messages) this.sent[message.sent].push(message);
    const needed = data.steps.filter((step) => step.without !== data.group);
    needed.forEach((step, index) => {
      for (const event of step.events) {
        this.steps.set(event, [...(this.steps.get(event) ?? []), index + 1]);
      }
    });
    this.before = this.#statesBefore();
    this.texts = [];
  }

  event(id) {
    return this.data.events[id];
  }

  /** The message with which an event has to do, if it has to do with one. */
  message(event) {
    return event.message === null ? null : this.data.messages[event.message];
  }

  /** The name of a machine. */
  name(machine) {
    return machine === null ? "world" : this.data.machines[machine].name;
  }

  /** What a machine held, by its number: texts are packed as what differs from earlier ones. */
  state(id) {
    const chain = [];
    for (let next = id; next !== null; next = this.data.packed[next].base) chain.push(next);
    const lines = [];
    for (const next of chain.reverse()) {
      for (const [start, gone, come] of this.data.packed[next].edits) {
        lines.splice(start, gone, ...come);
      }
    }
    return lines.join("\n");
  }

  /** The event and all that happened before it. */
  pastOf(id) {
    const past = new Set();
    const left = [id];
    while (left.length > 0) {
      const next = left.pop();
      if (past.has(next)) continue;
      past.add(next);
      left.push(...this.event(next).causes);
    }
    return past;
  }

  /** Whether a message is so late that it is worth a word: most are, by a little. */
  isLate(message) {
    if (message.late_ns === 0 || message.ended === null) return false;
    const took = this.event(message.ended).at_ns - this.event(message.sent).at_ns;
    return this.steps.has(message.ended) || message.late_ns >= 2 * (took - message.late_ns);
  }

  /** All that is told of an event, in small letters: what a search looks through. */
  text(id) {
    this.texts[id] ??= this.#told(this.event(id)).join("\n").toLowerCase();
    return this.texts[id];
  }

  #told(event) {
    return [
      `#${event.id}`, event.at, this.name(event.machine), event.kind, event.text, ...event.does,
      ...event.operations.map((line) => this.data.history[line].text),
    ];
  }

  /** Of each event the newest state that its machine had before it. */
  #statesBefore() {
    const newest = new Map();
    return this.data.events.map((event) => {
      const before = newest.get(event.machine) ?? null;
      if (event.state !== null) newest.set(event.machine, event.state);
      return before;
    });
  }
}
