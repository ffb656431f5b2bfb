import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const FOLDER = join(__dirname, '..', '..', 'deploy', 'observability');

export interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  for?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; legendFormat: string; refId: string }[];
}

export interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
}

export const ruleFile = parse(readFileSync(join(FOLDER, 'alerts.yml'), 'utf8')) as {
  groups: { name: string; rules: Rule[] }[];
};
export const rules = ruleFile.groups.flatMap((group) => group.rules);
export const alerts = rules.filter(({ alert }) => alert !== undefined);
export const dashboard = JSON.parse(readFileSync(join(FOLDER, 'dashboards', 'longwatch.json'), 'utf8')) as Dashboard;
export const prometheus = parse(readFileSync(join(FOLDER, 'prometheus.yml'), 'utf8')) as {
  rule_files: string[];
  scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
};
/** Every expression of rules and dashboard, with where it stands. */
export const expressions = [
  ...rules.map(({ alert, record, expr }) => ({ where: alert ?? record ?? '', expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: `panel ${title}`, expr })),
  ),
];
