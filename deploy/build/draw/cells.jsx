// The state timeline and the status history. Grafana does not publish these two panels; the cells are laid out here, while
// colours and words come from its field settings.
import { dateTimeFormat, getDisplayProcessor } from '@grafana/data';
import { VizLegend, useTheme2 } from '@grafana/ui';

const LABELS_WIDTH = 190, AXIS_HEIGHT = 22, LEGEND_HEIGHT = 26;

export function Cells({ frames, panel, scene, width, height }) {
  const theme = useTheme2();
  const [from, to] = [scene.from * 1000, scene.to * 1000];
  const right = width - LABELS_WIDTH;
  const rowHeight = (height - AXIS_HEIGHT - LEGEND_HEIGHT) / frames.length;
  const x = (time) => LABELS_WIDTH + (right * (time - from)) / (to - from);
  const share = panel.options.rowHeight ?? 0.9;
  return (
    <div style={{ width, height }}>
      <svg width={width} height={height - LEGEND_HEIGHT} fontSize="12" fill={theme.colors.text.primary}>
        {frames.map((frame, row) => (
          <g key={frame.name}>
            <text x={LABELS_WIDTH - 8} y={(row + 0.5) * rowHeight + 4} textAnchor="end">{frame.name}</text>
            {merged(cells(frame, theme), panel).map(({ time, until, colour }) => (
              <rect key={time} x={x(time)} width={Math.max(x(Math.min(until, to)) - x(time) - (panel.type === 'status-history'), 1)}
                y={row * rowHeight + (rowHeight * (1 - share)) / 2} height={rowHeight * share} fill={colour}
                fillOpacity={(panel.fieldConfig.defaults.custom?.fillOpacity ?? 70) / 100} />
            ))}
          </g>
        ))}
        {[0, 1, 2, 3, 4].map((tick) => (
          <text key={tick} x={LABELS_WIDTH + ((tick + 0.5) * right) / 5} y={height - LEGEND_HEIGHT - 6} textAnchor="middle">
            {dateTimeFormat(from + ((tick + 0.5) * (to - from)) / 5, { format: 'MM-DD HH:mm', timeZone: 'utc' })}
          </text>
        ))}
      </svg>
      <VizLegend items={legend(panel, theme)} displayMode="list" placement="bottom" />
    </div>
  );
}

function cells(frame, theme) {
  const [times, values] = frame.fields;
  const display = values.display ?? getDisplayProcessor({ field: values, theme });
  const length = frame.length > 1 ? times.values[1] - times.values[0] : 1;
  return times.values.map((time, index) => ({ time, until: time + length, value: values.values[index] }))
    .filter(({ value }) => value !== null && !Number.isNaN(value))
    .map((cell) => ({ ...cell, colour: display(cell.value).color }));
}

// A state timeline draws one bar for as long as a state lasts.
function merged(all, panel) {
  if (panel.type !== 'state-timeline') return all;
  return all.reduce((bars, cell) => {
    const last = bars.at(-1);
    if (last?.colour === cell.colour && last.until >= cell.time) last.until = cell.until;
    else bars.push(cell);
    return bars;
  }, []);
}

function legend(panel, theme) {
  const { mappings = [], thresholds } = panel.fieldConfig.defaults;
  const named = mappings.flatMap((mapping) => Object.values(mapping.options));
  const items = named.length ? named.map(({ text, color }) => [text, color])
    : thresholds.steps.map(({ value, color }) => [value === null ? `< ${thresholds.steps[1].value}` : `${value}+`, color]);
  return items.map(([label, color]) => ({ label, color: theme.visualization.getColorByName(color), yAxis: 1 }));
}
