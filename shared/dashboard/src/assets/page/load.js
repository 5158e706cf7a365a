// A chart of load and capacity for each location.

function hours(data, labels) {
  // Whole hours of the zone that is shown, or every second or third where there is no room for all.
  const { past, ahead } = data.chart;
  const step = [1, 2, 3, 4].find((each) => (past + ahead) / 3600 / each <= labels) ?? 6;
  const marks = [];
  for (let second = Math.ceil((data.at - past) / 1800) * 1800; second < data.at + ahead; second += 1800) {
    const [hour, minute] = new Date(second * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: view.zone }).split(":");
    if (minute === "00" && Number(hour) % step === 0) marks.push([second - data.at, `${hour}:00`]);
  }
  return marks;
}

function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].map((each) => each * power).find((top) => top >= value) ?? value;
}

function showLoad(data) {
  const box = $("load");
  const { base, step } = data.chart;
  // The middle of each stretch; the last one has just begun.
  const when = (index) => Math.min(0, base + (index + 0.5) * step);
  const charts = data.chart.locations
    .map(([name, threshold, principal, used, max]) => [name, threshold, principal, used.map((value, index) => [when(index), value, max[index]]).filter(([, value]) => value !== null)])
    .filter(([, , , points]) => points.some(([, , max]) => max > 0));
  box.nextElementSibling.hidden = charts.length > 0;
  while (box.children.length > charts.length) box.lastElementChild.remove();
  charts.forEach(([name, threshold, principal, points], index) => {
    if (!box.children[index]) box.append(h("figure", { class: "chart" }, h("figcaption", {}, h("b", {}), h("span", {}))));
    const figure = box.children[index];
    const title = data.texts[name];
    const width = Math.round(figure.clientWidth) || 480;
    const [, used, max] = points.at(-1);
    setText(figure.firstElementChild.firstElementChild, title);
    setText(figure.firstElementChild.lastElementChild, `${used} of ${max} HD calls in use`);
    const signature = JSON.stringify([data.at, width, points, threshold, title]);
    if (figure.shown === signature) return;
    figure.shown = signature;
    figure.querySelector("svg")?.remove();
    figure.append(chart(data, title, threshold, principal, points, width));
  });
}

function chart(data, title, threshold, principal, points, width) {
  const [left, top, height, bottom] = [34, 8, 120, 20];
  const { past, ahead } = data.chart;
  const most = niceTop(Math.max(...points.map(([, used, max]) => Math.max(used, max))));
  // A chart of the past ends now; what is to come is drawn with the holds.
  const x = (second) => left + ((second + past) / past) * (width - left - 6);
  const y = (value) => top + height - (value / most) * height;
  const peak = points.reduce((best, point) => (point[1] > best[1] ? point : best));
  const last = points.at(-1);
  const label = `${title}: ${last[1]} of ${last[2]} HD calls in use now; most in ${Math.round(past / 3600)} hours ${peak[1]}, at ${clock(data.at + peak[0])}`;
  const svg = s("svg", { viewBox: `0 0 ${width} ${top + height + bottom}`, role: "img", "aria-label": label });
  for (const value of [0, most / 2, most]) {
    svg.append(s("line", { class: "grid", x1: left, x2: width - 6, y1: y(value), y2: y(value) }));
    svg.append(s("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, String(Math.round(value * 10) / 10)));
  }
  for (const [second, text] of hours({ ...data, chart: { past, ahead: 0 } }, width / 60)) {
    svg.append(s("line", { class: "grid", x1: x(second), x2: x(second), y1: top, y2: top + height }));
    svg.append(s("text", { x: x(second), y: top + height + 15, "text-anchor": x(second) < left + 14 ? "start" : x(second) > width - 26 ? "end" : "middle" }, text));
  }
  // Where minutes are missing nothing is drawn: no cycle ran, or nothing could be read.
  const gap = 3.5 * data.chart.step;
  const runs = [];
  for (const point of points) {
    const run = runs.at(-1);
    if (run && point[0] - run.at(-1)[0] <= gap) run.push(point);
    else runs.push([point]);
  }
  const at = (value) => Math.round(value * 10) / 10;
  for (const run of runs) {
    // Capacity comes and goes in steps, load slides.
    let step = `M${at(x(run[0][0]))} ${at(y(run[0][2]))}`;
    for (const [second, , max] of run.slice(1)) step += `H${at(x(second))}V${at(y(max))}`;
    svg.append(s("path", { class: "k-capacity", d: `${step}V${at(y(0))}H${at(x(run[0][0]))}Z` }));
    svg.append(s("path", { class: "k-capacity-top", d: step }));
    if (principal && threshold !== null) {
      let line = `M${at(x(run[0][0]))} ${at(y(Math.max(0, run[0][2] - threshold)))}`;
      for (const [second, , max] of run.slice(1)) line += `H${at(x(second))}V${at(y(Math.max(0, max - threshold)))}`;
      svg.append(s("path", { class: "k-threshold", d: line }));
    }
    svg.append(s("path", { class: "k-load", d: run.map(([second, used], index) => `${index ? "L" : "M"}${at(x(second))} ${at(y(used))}`).join("") }));
  }
  return svg;
}
