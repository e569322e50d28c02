// Reads a dashboard's variables and queries, asks Prometheus, and answers in Grafana's data frames.
import { createDataFrame, FieldType } from '@grafana/data';

const POINTS = 400;

async function get(scene, path, parameters) {
  const answer = await fetch(`${scene.prometheus}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const body = await answer.json();
  if (body.status !== 'success') throw new Error(body.error);
  return body.data;
}

// All of a variable's values, or the first one, as Grafana chooses them when a dashboard is opened.
export async function resolved(scene, dashboard) {
  const values = { datasource: ['prometheus'] };
  for (const variable of dashboard.templating.list) {
    if (variable.type !== 'query') continue;
    const [, selector, label] = variable.query.match(/^label_values\((.*), (\w+)\)$/s);
    const match = { 'match[]': filled(selector, values, scene), start: scene.from, end: scene.to };
    const found = await get(scene, `label/${label}/values`, match);
    values[variable.name] = variable.includeAll ? found : [scene.picked[variable.name] ?? found[0]];
  }
  return values;
}

export function filled(text, values, scene) {
  const interval = Math.max(step(scene), scene.scrape) + scene.scrape;
  return text
    .replaceAll('$__rate_interval', `${Math.max(interval, 4 * scene.scrape)}s`)
    .replace(/\$(\w+)/g, (whole, name) => (values[name] ? values[name].join('|') : whole));
}

const step = (scene, points = POINTS) => Math.max(Math.ceil((scene.to - scene.from) / points), scene.scrape);

export async function frames(scene, panel, values) {
  const found = [];
  for (const target of panel.targets) {
    const query = filled(target.expr, values, scene);
    const several = panel.targets.length > 1;
    if (target.format === 'table') found.push(asTable(await now(scene, query), target, several));
    else if (target.instant) found.push(...(await now(scene, query)).map((row) => asSeries(target, row.metric, [row.value])));
    else found.push(...(await past(scene, query, panel)).map((row) => asSeries(target, row.metric, row.values)));
  }
  return found.filter((frame) => frame.length);
}

const now = async (scene, query) => (await get(scene, 'query', { query, time: scene.to })).result;

async function past(scene, query, panel) {
  const every = step(scene, panel.maxDataPoints ?? POINTS);
  const range = { query, start: Math.floor(scene.from / every) * every, end: scene.to, step: every };
  return (await get(scene, 'query_range', range)).result.map((row) => ({ ...row, values: withGaps(row.values, every) }));
}

// Prometheus leaves out what it does not know; a line must not be drawn over it.
function withGaps(values, every) {
  return values.flatMap(([time, value], index) => {
    const missing = index && time - values[index - 1][0] > 1.5 * every;
    return missing ? [[values[index - 1][0] + every, null], [time, value]] : [[time, value]];
  });
}

function asSeries(target, labels, values) {
  const name = target.legendFormat ? named(target.legendFormat, labels) : JSON.stringify(labels);
  return createDataFrame({
    refId: target.refId,
    name,
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map(([time]) => time * 1000) },
      { name: 'Value', type: FieldType.number, labels, values: values.map(([, value]) => (value === null ? null : Number(value))),
        config: { displayNameFromDS: name } },
    ],
  });
}

function asTable(rows, target, several) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.metric)))].filter((name) => name !== '__name__');
  const labels = names.map((name) => ({ name, type: FieldType.string, values: rows.map((row) => row.metric[name] ?? '') }));
  const value = { name: several ? `Value #${target.refId}` : 'Value', type: FieldType.number, values: rows.map((row) => Number(row.value[1])) };
  const time = { name: 'Time', type: FieldType.time, values: rows.map((row) => row.value[0] * 1000) };
  return createDataFrame({ refId: target.refId, fields: [time, ...labels, value] });
}

const named = (format, labels) => format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');

// Spans of time by annotation, each with its colour.
export async function annotations(scene, dashboard, values) {
  const found = await Promise.all(dashboard.annotations.list.filter((one) => one.enable).map(async (one) => {
    const series = await past(scene, filled(one.expr, values, scene), {});
    return series.map((row) => ({ colour: one.iconColor, values: row.values }));
  }));
  return found.flat();
}
