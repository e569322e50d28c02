// Incidents behind the lines: a band for as long as each was open, as Grafana's annotations show them.
const COLOURS = { red: 'rgba(224, 47, 68, 0.07)', orange: 'rgba(255, 152, 48, 0.07)' };

export function shade(config, marks) {
  config.addHook('drawClear', (plot) => {
    for (const mark of marks) for (const [from, to] of spans(mark.values)) band(plot, from, to, COLOURS[mark.colour]);
  });
}

function spans(values) {
  const found = [];
  let begun = null, last = null;
  for (const [time, value] of [...values, [null, null]]) {
    if (value === null && begun !== null) { found.push([begun, last]); begun = null; }
    if (value !== null) { begun ??= time; last = time; }
  }
  return found;
}

function band(plot, from, to, colour) {
  const [left, right] = [from, to].map((time) => plot.valToPos(time * 1000, 'x', true));
  plot.ctx.save();
  plot.ctx.fillStyle = colour;
  plot.ctx.fillRect(Math.max(left, plot.bbox.left), plot.bbox.top, Math.min(right, plot.bbox.left + plot.bbox.width) - Math.max(left, plot.bbox.left), plot.bbox.height);
  plot.ctx.restore();
}
