import { parser } from '@prometheus-io/lezer-promql';

export interface Matcher {
  label: string;
  operator: string;
  value: string;
}

export interface Selector {
  /** As it is written: of a histogram with `_bucket`, `_sum` or `_count`. */
  metric: string;
  matchers: Matcher[];
}

export interface Query {
  selectors: Selector[];
  /** Labels that results are grouped by. */
  groupings: string[];
}

/** What a PromQL expression asks for, by Prometheus' own grammar. @throws where the grammar does not take it. */
export function readQuery(text: string): Query {
  const query: Query = { selectors: [], groupings: [] };
  let inGrouping = false;
  parser.parse(text).iterate({
    enter({ type, name, from, to }) {
      const here = text.slice(from, to);
      if (type.isError)
        throw new SyntaxError(`PromQL goes wrong at ${from}: ${text.slice(Math.max(0, from - 20), to + 20)}`);
      if (name === 'VectorSelector') query.selectors.push({ metric: '', matchers: [] });
      const selector = query.selectors.at(-1);
      if (name === 'Identifier' && selector?.metric === '') selector.metric = here;
      if (name === 'UnquotedLabelMatcher') {
        const [, label = '', operator = '', value = ''] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/.exec(here) ?? [];
        selector?.matchers.push({ label, operator, value });
      }
      if (name === 'GroupingLabels') inGrouping = true;
      if (name === 'LabelName' && inGrouping) query.groupings.push(here);
    },
    leave({ name }) {
      if (name === 'GroupingLabels') inGrouping = false;
    },
  });
  return query;
}

/** Grafana's variables in their place: what it puts there before it asks. */
export function withoutVariables(expression: string): string {
  return expression.replaceAll('$__rate_interval', '5m').replaceAll(/\$(job|instance)\b/g, '.*');
}

/** Labels that Prometheus itself adds to what it scrapes. */
export const SCRAPED_LABELS = ['job', 'instance'];
/** Series that Prometheus itself makes for each target. */
export const SCRAPE_SERIES = ['up'];

/** Series by name, each with the labels and values that it was seen with, out of the exposition format. */
export function readExposition(text: string): Map<string, Record<string, string>[]> {
  const series = new Map<string, Record<string, string>[]>();
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line);
    if (!match) continue;
    const labels = Object.fromEntries(
      [...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, value]) => [label, value]),
    );
    series.set(match[1]!, [...(series.get(match[1]!) ?? []), labels]);
  }
  return series;
}
