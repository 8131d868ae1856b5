/* Every failure on the page gets its diagram. */

for (const root of document.querySelectorAll(".explained")) {
  new Explorer(root, JSON.parse(root.querySelector(".data").textContent));
}
