// Tables whose rows are kept from one refresh to the next.

/** Columns are `{label, kind, sig, build}`; rows are kept by key, so that a row that only moved is the same element. */
function table(element, columns, rows, key) {
  if (!element.body) {
    const heads = columns.map((column) => h("th", { scope: "col", role: "columnheader", class: column.kind === "num" ? "num" : null }, column.hidden ? h("span", { class: "visually-hidden" }, column.label) : column.label));
    element.body = h("tbody", { role: "rowgroup" });
    element.append(h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...heads)), element.body);
    element.rows_ = new Map();
    const label = element.closest("section")?.getAttribute("aria-labelledby");
    if (label) element.setAttribute("aria-labelledby", label);
  }
  const active = document.activeElement;
  const kept = new Map();
  let cursor = element.body.firstElementChild;
  for (const row of rows) {
    const name = key(row);
    let line = element.rows_.get(name);
    if (!line) {
      line = h("tr", { role: "row" }, ...columns.map((column) => h("td", { role: column.kind === "name" ? "rowheader" : "cell", class: column.kind, "data-label": column.label })));
    }
    kept.set(name, line);
    if (line === cursor) cursor = cursor.nextElementSibling;
    else element.body.insertBefore(line, cursor);
    columns.forEach((column, index) => {
      const cell = line.children[index];
      const signature = column.sig(row);
      cell.classList.toggle("blank", signature === "");
      fill(cell, signature, () => (column.build ? column.build(row) : [h("span", {}, signature)]));
    });
  }
  for (const [name, line] of element.rows_) if (!kept.has(name)) line.remove();
  element.rows_ = kept;
  if (active !== document.activeElement && active?.isConnected) active.focus({ preventScroll: true });
  element.hidden = rows.length === 0;
  const empty = element.parentElement.querySelector(":scope > .empty");
  if (empty) empty.hidden = rows.length > 0;
}

function state(word, tone) {
  return h("span", { class: `state ${tone}` }, word);
}

function meter(used, max) {
  const part = max > 0 ? Math.min(100, Math.round((100 * used) / max)) : 0;
  const fillBar = h("span", { class: "fill" });
  fillBar.style.display = "block";
  fillBar.style.width = `${part}%`;
  return h("span", { class: "track", "aria-hidden": "true" }, fillBar);
}
