// Draws one row of a dashboard as Grafana would: /?dashboard=wachter-model&row=Performance, or all rows.
import '@fontsource/inter/400.css';
import '@fontsource/inter/500.css';
import { createRoot } from 'react-dom/client';
import { useEffect, useState } from 'react';
import { firstValueFrom } from 'rxjs';
import {
  applyFieldOverrides, cacheFieldDisplayNames, createTheme, dateTime, EventBusSrv, FieldConfigOptionsRegistry, getFieldDisplayValues, identityOverrideProcessor,
  standardTransformers, standardTransformersRegistry, ThemeContext, transformDataFrame,
} from '@grafana/data';
import { BigValue, GlobalStyles, PanelChrome, PanelContextProvider, TimeSeries } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { annotations, filled, frames, resolved } from './ask.js';
import { Cells } from './cells.jsx';
import { shade } from './shade.js';

const FREEZE_AFTER_MS = 10_000; // of the browser's time, which waits for answers
const CELL = 30, GAP = 8, TITLE = 34;
const theme = createTheme({ colors: { mode: new URLSearchParams(location.search).get('theme') ?? 'light' } });
const used = [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer, standardTransformers.filterFieldsByNameTransformer];
standardTransformersRegistry.setInit(() => used.map((one) => ({ id: one.id, name: one.name, transformation: () => Promise.resolve(one), editor: null })));

// Grafana's panels register their settings; here every setting that a dashboard uses counts as registered.
const option = (id) => ({ id, path: id.replace(/^custom\./, ''), isCustom: id.startsWith('custom.'), name: id, process: identityOverrideProcessor, shouldApply: () => true });
const ids = (panel) => {
  const { custom = {}, ...plain } = panel.fieldConfig.defaults;
  const overridden = (panel.fieldConfig.overrides ?? []).flatMap((override) => override.properties.map((property) => property.id));
  return new Set([...Object.keys(plain), ...Object.keys(custom).map((name) => `custom.${name}`), ...overridden]);
};
const registry = (panel) => new FieldConfigOptionsRegistry(() => [...ids(panel)].map(option));

const pixels = (cells) => cells * (CELL + GAP) + TITLE;

// Panels where they stand on the grid; one that repeats stands once for each value.
function placed(panels, values) {
  let y = 0, x = 0, tall = 0;
  const found = [];
  for (const panel of panels) {
    const repeats = panel.repeat ? values[panel.repeat] : [null];
    for (const value of repeats) {
      const { h } = panel.gridPos;
      const w = panel.repeat ? 24 / Math.min(panel.maxPerRow, repeats.length) : panel.gridPos.w;
      if (x + w > 24) { x = 0; y += tall; tall = 0; }
      found.push({ panel, x, y, w, h, values: value ? { ...values, [panel.repeat]: [value] } : values });
      x += w; tall = Math.max(tall, h);
    }
    if (panel.repeat) { x = 0; y += tall; tall = 0; }
  }
  return { found, height: y + tall };
}

function rows(dashboard) {
  const found = [];
  for (const panel of dashboard.panels) {
    if (panel.type === 'row') found.push({ title: panel.title, panels: [] });
    else found.at(-1).panels.push(panel);
  }
  return found;
}

async function data(scene, panel, values) {
  const asked = await frames(scene, panel, values);
  const transformed = await firstValueFrom(transformDataFrame(panel.transformations ?? [], asked));
  const found = applyFieldOverrides({ data: transformed, fieldConfig: { ...panel.fieldConfig, overrides: panel.fieldConfig.overrides ?? [] }, fieldConfigRegistry: registry(panel),
    replaceVariables: (text) => filled(text, values, scene), theme, timeZone: 'utc' });
  cacheFieldDisplayNames(found);
  return found;
}

function Panel({ scene, panel, values, width, height, marks }) {
  const [found, setFound] = useState(null);
  useEffect(() => { data(scene, panel, values).then(setFound, (error) => setFound({ error })); }, []);
  return (
    <PanelChrome title={filled(panel.title, values, scene)} description={panel.description} width={width} height={height}>
      {(inner, innerHeight) => found && (found.error ? <b className="wrong">{String(found.error)}</b>
        : <Body {...{ scene, panel, found, marks }} width={inner} height={innerHeight} />)}
    </PanelChrome>
  );
}

function Body({ scene, panel, found, marks, width, height }) {
  const empty = !found.some((frame) => frame.length && frame.fields.length);
  if (panel.type === 'stat') return <Numbers {...{ panel, found, width, height }} />;
  if (empty) return <b className="empty">{panel.fieldConfig.defaults.noValue ?? 'No data'}</b>;
  if (panel.type === 'table') return <TableNG data={found[0]} width={width} height={height} fieldConfig={panel.fieldConfig} sortBy={panel.options.sortBy} enableVirtualization={false} />;
  if (panel.type === 'timeseries') {
    const range = { from: dateTime(scene.from * 1000), to: dateTime(scene.to * 1000) };
    return (
      <TimeSeries frames={found} width={width} height={height} timeRange={{ ...range, raw: range }} timeZone="utc" legend={panel.options.legend}>
        {(config) => { shade(config, marks); return null; }}
      </TimeSeries>
    );
  }
  return <Cells {...{ scene, panel, width, height }} frames={found} />;
}

function Numbers({ panel, found, width, height }) {
  const values = getFieldDisplayValues({ fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, data: found, theme,
    replaceVariables: (text) => text, timeZone: 'utc' });
  return <BigValue value={values[0].display} width={width} height={height} theme={theme} colorMode={panel.options.colorMode} graphMode="none" justifyMode="auto" textMode="auto" />;
}

function Board({ scene, dashboard, only, width }) {
  const [ready, setReady] = useState(null);
  useEffect(() => {
    resolved(scene, dashboard).then(async (values) => setReady({ values, marks: await annotations(scene, dashboard, values) }));
  }, []);
  useEffect(() => {
    // Read by browser.py, which must know how tall a picture is before it takes one.
    if (ready) document.body.dataset.heights = JSON.stringify(Object.fromEntries(rows(dashboard).map((row) => [row.title, pixels(placed(row.panels, ready.values).height)])));
  }, [ready]);
  if (!ready) return null;
  const cell = (width + GAP) / 24;
  return rows(dashboard).filter((row) => !only || row.title === only).map((row) => {
    const { found, height } = placed(row.panels, ready.values);
    return (
      <section key={row.title}>
        <h4 style={{ height: TITLE - 10, margin: '10px 4px 0' }}>{row.title}</h4>
        <div style={{ position: 'relative', height: pixels(height) - TITLE }}>
          {found.map(({ panel, x, y, w, h, values }) => (
            <div key={`${x}/${y}`} style={{ position: 'absolute', left: x * cell, top: y * (CELL + GAP) }}>
              <Panel {...{ scene, panel, values }} marks={ready.marks} width={w * cell - GAP} height={h * (CELL + GAP) - GAP} />
            </div>
          ))}
        </div>
      </section>
    );
  });
}

// A headless screenshot sometimes misses what was painted on a canvas; a picture of the canvas it does not miss.
function freeze(canvas) {
  const picture = new Image();
  picture.src = canvas.toDataURL();
  picture.style.cssText = canvas.style.cssText + `position:absolute;width:${canvas.clientWidth}px;height:${canvas.clientHeight}px`;
  canvas.replaceWith(picture);
}

async function main() {
  await Promise.all(['400 12px Inter', '500 14px Inter'].map((font) => document.fonts.load(font)));
  const asked = new URLSearchParams(location.search);
  const scene = await (await fetch('scene.json')).json();
  const dashboard = await (await fetch(`${asked.get('dashboard')}.json`)).json();
  document.body.style.background = theme.colors.background.canvas;
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <PanelContextProvider value={{ eventBus: new EventBusSrv(), eventsScope: 'draw' }}>
        <Board {...{ scene, dashboard }} only={asked.get('row')} width={Number(asked.get('width'))} />
      </PanelContextProvider>
    </ThemeContext.Provider>,
  );
  setTimeout(() => document.querySelectorAll('canvas').forEach(freeze), FREEZE_AFTER_MS);
}
main();
