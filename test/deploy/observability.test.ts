import { existsSync, readFileSync } from 'node:fs';
import { listMetrics, metricsTable } from '../../src/metrics/table';
import { alerts, dashboard, expressions, prometheus, ruleFile, rules } from '../support/observability';
import { readQuery, SCRAPE_SERIES, SCRAPED_LABELS, withoutVariables } from '../support/promql';
import { capabilities } from '../../src/graph/capabilities';

const classes = capabilities.map(({ metrics }) => metrics);

const DURATION = /^\d+[smhd]$/;
/** As GitHub makes anchors of headings. */
const anchorsOf = (page: string) =>
  [...readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

/** Label names by series, of every metric of the registry. */
const known = new Map(
  listMetrics(classes).flatMap(({ name, type, labelNames }) =>
    type === 'histogram'
      ? ([
          [`${name}_bucket`, [...labelNames, 'le']],
          [`${name}_sum`, labelNames],
          [`${name}_count`, labelNames],
        ] as [string, string[]][])
      : ([[name, [...labelNames]]] as [string, string[]][]),
  ),
);

it('docs/metrics.md is what the registry has', () => {
  expect(readFileSync('docs/metrics.md', 'utf8')).toBe(metricsTable(classes));
});

it('metrics are named as Prometheus wants it, and each says what it is', () => {
  for (const { name, type, help } of listMetrics(classes).filter(({ name: found }) =>
    /^(longwatch|temporal)_/.test(found),
  )) {
    expect(name).toMatch(/^[a-z]+(_[a-z0-9]+)+$/);
    if (type === 'counter') expect(name).toMatch(/_total$/);
    else expect(name).not.toMatch(/_total$/);
    if (type === 'histogram') expect(name).toMatch(/_(seconds|records)$/);
    expect(help.length).toBeGreaterThan(10);
  }
});

it.each(expressions)('$where asks in PromQL for metrics and labels that there are', ({ expr }) => {
  const { selectors, groupings } = readQuery(withoutVariables(expr));
  expect(selectors.length).toBeGreaterThan(0);
  for (const { metric, matchers } of selectors.filter((one) => !SCRAPE_SERIES.includes(one.metric))) {
    expect([...known.keys()]).toContain(metric);
    for (const { label } of matchers) expect([...known.get(metric)!, ...SCRAPED_LABELS]).toContain(label);
    for (const label of groupings) expect([...known.get(metric)!, ...SCRAPED_LABELS]).toContain(label);
  }
});

it('a metric, a label or a syntax that does not exist is found out', () => {
  expect(() => readQuery('sum by (route (rate(x[5m]))')).toThrow('PromQL goes wrong');
  expect(readQuery('sum by (shard) (rate(nothing_total{colour="red"}[5m]))')).toEqual({
    selectors: [{ metric: 'nothing_total', matchers: [{ label: 'colour', operator: '=', value: 'red' }] }],
    groupings: ['shard'],
  });
  expect(known.has('nothing_total')).toBe(false);
});

describe('rules', () => {
  it('are built as Prometheus reads them, with names of their own', () => {
    expect(Object.keys(ruleFile)).toEqual(['groups']);
    expect(new Set(ruleFile.groups.map(({ name }) => name)).size).toBe(ruleFile.groups.length);
    for (const rule of rules) {
      const allowed = rule.alert ? ['alert', 'expr', 'for', 'labels', 'annotations'] : ['record', 'expr'];
      expect(allowed).toEqual(expect.arrayContaining(Object.keys(rule)));
      if (rule.for !== undefined) expect(rule.for).toMatch(DURATION);
      if (rule.record !== undefined) expect(rule.record).toMatch(/^longwatch:[a-z_]+:[a-z0-9_]+$/);
    }
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  it.each(alerts)(
    '$alert says how bad it is, what it is, and where to read on',
    ({ alert, expr, labels, annotations }) => {
      expect(alert).toMatch(/^Longwatch([A-Z][A-Za-z]+)+$/);
      expect(['page', 'ticket']).toContain(labels?.['severity']);
      expect(annotations).toMatchObject({
        summary: expect.any(String),
        description: expect.any(String),
        runbook_url: expect.any(String),
      });
      const [page, anchor] = annotations!['runbook_url']!.split('#') as [string, string];
      expect(existsSync(page)).toBe(true);
      expect(anchorsOf(page)).toContain(anchor);
      // A summary may only name labels that the alert has: those that its expression is grouped or selected by.
      const { groupings, selectors } = readQuery(expr);
      const has = [
        ...groupings,
        ...(selectors.some(({ metric }) => SCRAPE_SERIES.includes(metric)) ? SCRAPED_LABELS : []),
      ];
      for (const [, label] of annotations!['summary']!.matchAll(/\$labels\.(\w+)/g)) expect(has).toContain(label);
    },
  );

  it('every section of docs/alerts.md is of an alert', () => {
    const sections = [...readFileSync('docs/alerts.md', 'utf8').matchAll(/^### (.+)$/gm)].map(([, heading]) =>
      heading!.toLowerCase().replaceAll(' ', '-'),
    );
    expect(sections.sort()).toEqual(alerts.map(({ annotations }) => annotations!['runbook_url']!.split('#')[1]).sort());
  });
});

describe('the dashboard', () => {
  const panels = dashboard.panels;

  it('has the panels that docs/alerts.md sends people to', () => {
    const named = [...readFileSync('docs/alerts.md', 'utf8').matchAll(/(?<!\w)_([A-Z][^_]+)_(?!\w)/g)].map(
      ([, title]) => title!,
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((title) => !panels.some((panel) => panel.title === title))).toEqual([]);
  });

  it('has panels that do not lie on each other, each with an id and something to show', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { type, title, gridPos, targets } of panels) {
      expect(title).not.toBe('');
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken).not.toContain(`${x},${y}`);
          taken.add(`${x},${y}`);
        }
      if (type !== 'row') expect(targets?.length).toBeGreaterThan(0);
    }
  });

  it('has legends of labels that results are grouped by', () => {
    for (const { targets = [] } of panels)
      for (const { expr, legendFormat } of targets) {
        const { groupings, selectors } = readQuery(withoutVariables(expr));
        const has =
          groupings.length > 0
            ? groupings
            : selectors.flatMap(({ metric }) => [...(known.get(metric) ?? []), ...SCRAPED_LABELS]);
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(has).toContain(label);
      }
  });

  it('has variables that ask for what there is', () => {
    for (const { type, query } of dashboard.templating.list) {
      if (type !== 'query') continue;
      const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec((query as { query: string }).query) ?? [];
      expect(SCRAPED_LABELS).toContain(label);
      const [found] = readQuery(withoutVariables(selector!)).selectors;
      expect(known.has(found!.metric)).toBe(true);
    }
  });

  it('shows every alert’s metrics', () => {
    const seriesOf = (all: string[]) =>
      new Set(
        all.flatMap((expr) =>
          readQuery(withoutVariables(expr)).selectors.map(({ metric }) => metric.replace(/_(bucket|count|sum)$/, '')),
        ),
      );
    const shown = seriesOf(panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)));
    const notShown = [...seriesOf(alerts.map(({ expr }) => expr))].filter((metric) => !shown.has(metric));
    expect(notShown).toEqual(['up', 'temporal_num_pollers', 'longwatch_stream_trimmed_total']);
  });
});

it('Prometheus’ configuration loads the rules and scrapes both kinds of process under names that they know', () => {
  for (const file of prometheus.rule_files) expect(existsSync(`deploy/observability/${file}`)).toBe(true);
  expect(prometheus.scrape_configs.map(({ job_name: job }) => job)).toEqual(['longwatch-api', 'longwatch-worker']);
});
