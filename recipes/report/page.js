"use strict";
// Unpacks the plotting library, and draws each chart when it comes into view.
(async () => {
  const packed = Uint8Array.from(atob(document.getElementById("library").textContent),
                                 letter => letter.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(unpacked).text();
  document.head.append(script);

  const colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name);
  // "@c0" below a key of colours becomes that colour of the page, light or dark.
  function painted(value, key = "") {
    if (typeof value === "string") {
      return /color/.test(key) && value[0] === "@" ? colour(value.slice(1)).trim() : value;
    }
    if (Array.isArray(value)) {
      return /color/.test(key) || typeof value[0] === "object" ? value.map(v => painted(v, key)) : value;
    }
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, painted(v, /color/.test(key) ? key : k)]));
  }
  const axis = {gridcolor: "@line", linecolor: "@line", zerolinecolor: "@line", automargin: true,
    exponentformat: "power"};
  function layout(given) {
    const found = {
      font: {family: "system-ui, sans-serif", size: 12, color: "@ink"}, showlegend: false,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest",
      hoverlabel: {bgcolor: "@paper", bordercolor: "@soft", font: {color: "@ink"}, namelength: 40},
      margin: {l: 50, r: 12, t: 18, b: 40},
      // A finger that moves over a chart scrolls the page.
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", ...given};
    for (const name of ["xaxis", "yaxis", "yaxis2"]) {
      if (name in found || name !== "yaxis2") found[name] = {...axis, ...found[name]};
    }
    return found;
  }
  const options = {responsive: true, displayModeBar: false, displaylogo: false};
  function draw(plot) {
    const chart = JSON.parse(plot.nextElementSibling.textContent);
    for (const button of plot.parentElement.querySelectorAll("button[aria-pressed=false]")) {
      for (const index of button.dataset.traces.split(" ")) chart.data[index].visible = "legendonly";
    }
    Plotly.react(plot, painted(chart.data), painted(layout(chart.layout)), options);
    plot.dataset.drawn = "yes";
  }
  const plots = [...document.querySelectorAll(".plot")];
  const seen = new IntersectionObserver(entries => entries.forEach(entry => {
    if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }), {rootMargin: "400px"});
  plots.forEach(plot => seen.observe(plot));
  const again = () => plots.filter(plot => plot.dataset.drawn).forEach(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  addEventListener("beforeprint", () => plots.forEach(draw));
  matchMedia("print").addEventListener("change", again);

  for (const button of document.querySelectorAll(".legend button")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", shown);
      const plot = button.closest("figure").querySelector(".plot");
      if (plot.dataset.drawn) {
        Plotly.restyle(plot, {visible: shown ? true : "legendonly"}, button.dataset.traces.split(" ").map(Number));
      }
    });
  }
  document.documentElement.dataset.ready = "yes";
})().catch(error => {
  document.getElementById("trouble").hidden = false;
  console.error(error);
});
