/* What is told of one event. */

/** Lines around a change that are shown with it. */
const CONTEXT_LINES = 2;

/** States whose common middle is longer are not compared line by line. */
const COMPARED_MAX = 4_000_000;

/** The details of an event; `go` is called with the id of an event that is asked for. */
class Panel {
  constructor(graph, go, close) {
    this.graph = graph;
    this.go = go;
    this.close = close;
    this.element = html("section", {
      class: "event", tabindex: "-1", hidden: true, "aria-label": "The event",
    });
  }

  /** Shows the event of this id, whose past has `past` events; or nothing. */
  show(id, past) {
    this.element.hidden = id === null;
    if (id === null) {
      this.element.replaceChildren();
      return;
    }
    const event = this.graph.event(id);
    this.element.replaceChildren(
      this.#head(event, past),
      ...this.#message(event),
      ...this.#list("Did", event.does.map((deed) => html("li", { class: "code" }, deed))),
      ...this.#list("Sent", this.graph.sent[id].map((message) => this.#sent(message))),
      ...this.#list("History", event.operations.map((line) => this.#line(line))),
      ...this.#list("Because of", event.causes.map((cause) => this.#link(cause))),
      ...this.#list("Led to", this.graph.effects[id].map((effect) => this.#link(effect))),
      ...this.#state(event),
    );
    this.element.scrollTop = 0;
  }

  #head(event, past) {
    const { graph } = this;
    const seat = event.machine === null ? "concerns the whole world"
      : `${graph.name(event.machine)}, ${incarnation(event.incarnation)}`;
    const before = past.size - 1;
    const led = before === 0 ? "nothing led to it"
      : `${count(before)} ${before === 1 ? "event" : "events"} led to it`;
    const close = html("button", { type: "button", class: "close", onclick: this.close },
      "‹ The failure");
    return html("header", {},
      close,
      html("h2", {}, markIcon(event.kind), headline(graph, event)),
      html("p", { class: "facts" }, [
        html("span", {}, event.at), html("span", {}, seat), html("span", {}, event.kind),
        html("span", {}, `#${event.id}`), html("span", { class: "led" }, led),
        graph.anchors.has(event.id) ? html("span", { class: "bad" }, "shows the failure") : null,
        graph.past.has(event.id) ? null
          : html("span", { class: "doubtful" }, "did not lead to the failure"),
      ]),
    );
  }

  #message(event) {
    const message = this.graph.message(event);
    if (message === null) {
      return event.text.length > 60 ? [html("p", { class: "code payload" }, event.text)] : [];
    }
    const { graph } = this;
    const facts = [`${graph.name(message.from)} → ${graph.name(message.to)}`, fate(message)];
    return [
      html("h3", {}, "Message"),
      html("p", { class: "code payload" }, message.text),
      html("p", { class: "facts" }, facts.map((fact) => html("span", {}, fact))),
    ];
  }

  #sent(message) {
    const words = [
      html("b", {}, message.kind), ` to ${this.graph.name(message.to)}, ${fate(message)}`,
    ];
    if (message.ended === null) return html("li", { title: message.text }, words);
    return html("li", { title: message.text }, this.#button(message.ended, words));
  }

  #line(id) {
    const line = this.graph.data.history[id];
    return html("li", { class: `line ${line.kind} ${line.shows ? "shows" : ""}` }, line.text);
  }

  #link(id) {
    const event = this.graph.event(id);
    const when = html("span", { class: "when" }, event.at);
    const who = html("span", { class: "who" }, this.graph.name(event.machine));
    return html("li", {}, this.#button(id, [when, " ", who, " ", headline(this.graph, event)]));
  }

  #button(id, words) {
    const go = () => this.go(id);
    return html("button", { type: "button", class: "goto", "data-goto": id, onclick: go }, words);
  }

  #list(title, items) {
    return items.length === 0 ? [] : [html("h3", {}, title), html("ul", {}, items)];
  }

  #state(event) {
    if (event.state === null) return [];
    const before = this.graph.before[event.id];
    const title = html("h3", {}, "State");
    if (before === event.state) {
      return [title, html("p", { class: "idle" }, "It holds what it held before."),
        whole(this.graph.state(event.state))];
    }
    const now = this.graph.state(event.state);
    if (before === null) return [title, whole(now, true)];
    const lines = compared(this.graph.state(before).split("\n"), now.split("\n"));
    const changes = html("div", { class: "code state" }, excerpts(lines));
    return [title, changes, whole(now)];
  }
}

/** An event in a few words: the kind of a message stands for the whole of it. */
function headline(graph, event) {
  const message = graph.message(event);
  if (message === null) return event.text;
  const [from, to] = [graph.name(message.from), graph.name(message.to)];
  switch (event.kind) {
    case "message": return `${message.kind} from ${from}`;
    case "drop": return `${message.kind} to ${to} is lost`;
    case "void": return `${message.kind} to ${to} leads nowhere`;
    case "dead": return `${message.kind} from ${from} comes to nobody`;
    default: return event.text;
  }
}

function incarnation(number) {
  return number === 0 ? "first incarnation" : `incarnation ${number + 1}`;
}

function fate(message) {
  const fates = {
    delivered: "delivered", lost: "lost on its way", void: "written where it leads nowhere",
    dead: "arrived where nobody listens", waiting: "still on its way at the end",
  };
  const words = [fates[message.fate] ?? message.fate];
  if (message.late_ns > 0) words.push(`${message.late} late`);
  if (message.copy) words.push("the second of two copies");
  if (message.corrupted) words.push("with a bit flipped");
  return words.join(", ");
}

/** The whole of a state, folded unless it `isOpen`. */
function whole(text, isOpen = false) {
  return html("details", { class: "whole", open: isOpen },
    html("summary", {}, "All that it holds"), html("pre", { class: "code" }, text));
}

/** The lines of two texts: those that are in both, those that went and those that came. */
function compared(old, now) {
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let [oldEnd, nowEnd] = [old.length, now.length];
  while (oldEnd > start && nowEnd > start && old[oldEnd - 1] === now[nowEnd - 1]) {
    oldEnd -= 1;
    nowEnd -= 1;
  }
  const same = (text) => ({ text, change: "same" });
  return [
    ...now.slice(0, start).map(same),
    ...comparedMiddle(old.slice(start, oldEnd), now.slice(start, nowEnd)),
    ...now.slice(nowEnd).map(same),
  ];
}

/** By the longest common subsequence. */
function comparedMiddle(old, now) {
  const went = (text) => ({ text, change: "went" });
  const came = (text) => ({ text, change: "came" });
  const width = now.length + 1;
  if ((old.length + 1) * width > COMPARED_MAX) return [...old.map(went), ...now.map(came)];
  const longest = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] = old[i] === now[j] ? longest[(i + 1) * width + j + 1] + 1
        : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < old.length && j < now.length) {
    if (old[i] === now[j]) {
      lines.push({ text: now[j], change: "same" });
      [i, j] = [i + 1, j + 1];
    } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
      lines.push(went(old[i]));
      i += 1;
    } else {
      lines.push(came(now[j]));
      j += 1;
    }
  }
  return [...lines, ...old.slice(i).map(went), ...now.slice(j).map(came)];
}

/** The lines near changes, each run of them under the names of what it is inside of. */
function excerpts(lines) {
  const isNear = lines.map(() => false);
  lines.forEach((line, place) => {
    if (line.change === "same") return;
    isNear.fill(true, Math.max(place - CONTEXT_LINES, 0), place + CONTEXT_LINES + 1);
  });
  const shown = [];
  for (let from = isNear.indexOf(true); from >= 0;) {
    let to = isNear.indexOf(false, from);
    if (to < 0) to = lines.length;
    const run = lines.slice(from, to);
    const depth = Math.min(...run.map((line) => indentation(line.text)));
    shown.push(html("p", { class: "inside" }, inside(lines, from, depth)));
    shown.push(...run.map(({ text, change }) => html("p", { class: change }, text.slice(depth))));
    from = isNear.indexOf(true, to);
  }
  return shown;
}

/** The names of what lines as deep as `outer` stand inside of, from the outside. */
function inside(lines, place, outer) {
  const names = [];
  let depth = outer;
  for (let above = place - 1; above >= 0 && depth > 0; above -= 1) {
    const { text, change } = lines[above];
    if (change === "went" || indentation(text) >= depth || text.trim() === "") continue;
    depth = indentation(text);
    const name = text.trim().match(/^([\w-]+)\s*[:({]/);
    if (name) names.unshift(name[1]);
  }
  return names.length > 0 ? names.join(" › ") : "…";
}

function indentation(text) {
  return text.length - text.trimStart().length;
}
