/* Elements of HTML and SVG, and words for spans of time. */

const SVG = "http://www.w3.org/2000/svg";

/** Sets attributes and handlers (`onclick`), and appends children; what is null is left out. */
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

/** An element of HTML. */
function html(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An element of SVG. */
function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** A number of things, with thousands set apart. */
function count(number) {
  return number.toLocaleString("en");
}

/** A span of time in words, with three digits at most. */
function duration(nanos) {
  const units = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
  const [size, unit] = units.find(([size]) => nanos >= size) ?? [1, "ns"];
  return `${Number((nanos / size).toPrecision(3))} ${unit}`;
}
