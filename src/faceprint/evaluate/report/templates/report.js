"use strict";
(() => {
  const root = document.documentElement;
  const narrow = matchMedia("(max-width: 44rem)");
  const touch = matchMedia("(pointer: coarse)").matches;
  const plots = [...document.querySelectorAll(".plot")].map(place => ({
    place, source: place.nextElementSibling.textContent,
  }));

  // Figures name their colours as CSS variables: their values depend on day, night and paper.
  const colour = name => getComputedStyle(root).getPropertyValue(name).trim();
  const veil = hex => `rgba(${[1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16))}, .17)`;
  const parse = source => JSON.parse(source, (_, value) => {
    const found = typeof value === "string" && /^var\((--[a-z0-9]+)(-band)?\)$/.exec(value);
    return !found ? value : found[2] ? veil(colour(found[1])) : colour(found[1]);
  });

  function dressed(figure, width) {
    const ink = colour("--ink"), soft = colour("--soft"), line = colour("--line"), card = colour("--card");
    const names = [...figure.data.filter(trace => trace.showlegend !== false), ...figure.layout.shapes].map(entry => entry.name || "");
    const perRow = Math.max(1, Math.floor(width / (60 + 7.2 * Math.max(0, ...names.map(name => name.length)))));
    const rows = figure.layout.showlegend ? Math.ceil(names.length / perRow) : 0;
    const paper = root.classList.contains("on-paper");
    const tall = (paper ? 300 : narrow.matches ? 330 : 400) + 21 * rows;
    for (const axis of [figure.layout.xaxis, figure.layout.yaxis]) {
      Object.assign(axis, { gridcolor: line, linecolor: line, tickcolor: line, zerolinecolor: line });
      axis.title.font = { size: 13, color: soft };
      axis.title.standoff = 12;
    }
    return Object.assign(figure.layout, {
      height: tall,
      width,
      margin: { l: 10, r: narrow.matches ? 10 : 24, t: 14, b: 10 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 12, color: ink },
      legend: { orientation: "h", x: 0, xanchor: "left", y: 0, yref: "container", yanchor: "bottom", font: { size: 12 } },
      hoverlabel: { bgcolor: card, bordercolor: line, font: { color: ink, size: 13 }, align: "left", namelength: -1 },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: soft, activecolor: ink },
      dragmode: touch ? false : "zoom",
    });
  }

  function draw(width) {
    for (const plot of plots) {
      const figure = parse(plot.source);
      const layout = dressed(figure, width || plot.place.clientWidth);
      Plotly.react(plot.place, figure.data, layout, {
        displaylogo: false,
        // The usual row of buttons has one that sends the figures to a server.
        modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
        plotlyServerURL: "",
        toImageButtonOptions: { format: "svg", filename: plot.place.dataset.name, width: 1000, height: 620 },
      });
      plot.place.style.minHeight = "0";
    }
  }

  const paperWidth = 660;
  let waiting = 0, drawn = root.clientWidth;
  const again = () => { clearTimeout(waiting); waiting = setTimeout(() => { drawn = root.clientWidth; draw(); }, 120); };
  addEventListener("resize", () => { if (root.clientWidth !== drawn) again(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  addEventListener("beforeprint", () => { root.classList.add("on-paper"); draw(paperWidth); });
  addEventListener("afterprint", () => { root.classList.remove("on-paper"); draw(); });
  draw();
})();
