import type { Notification } from '../platform/notification';
import type { Drift } from './drift';
import { SUPERVISORS } from './investigationLetters';

/** The distributions of a model's decisions over some days, compared with its training data. */
export interface ComparedModel {
  modelVersion: string;
  /** First and last day of the comparison, both included ("2026-01-31", UTC). */
  from: string;
  to: string;
  rows: number;
  /** The most shifted first; empty when there are too few rows for a comparison. */
  drifts: readonly Drift[];
}

/** Maximum number of features that the page and the notification list. */
const MAX_LISTED = 15;

/** Returns the page of the drift report, in Markdown. */
export function driftPage(models: readonly ComparedModel[]): string {
  if (models.length === 0) return 'No decisions of a model with a baseline.';
  return models
    .map(({ modelVersion, from, to, rows, drifts }) => {
      const head = `**${modelVersion}**, ${from} to ${to}: ${rows} decisions.`;
      if (drifts.length === 0) return `${head} Too few to compare.`;
      const lines = drifts
        .slice(0, MAX_LISTED)
        .map(({ name, psi, status }) => `| ${name} | ${psi.toFixed(3)} | ${status} |`);
      return [head, '', '| | PSI | |', '| --- | ---: | --- |', ...lines].join('\n');
    })
    .join('\n\n');
}

/**
 * Returns the notification of the supervisors, or undefined when nothing has shifted. Its id is the same for the same
 * models and day, so a repeated report does not notify them twice.
 */
export function driftNotice(models: readonly ComparedModel[], at: number): Notification | undefined {
  const shifted = models.flatMap((model) => {
    const far = model.drifts.filter(({ status }) => status === 'shifted');
    return far.length === 0 ? [] : [{ ...model, far }];
  });
  if (shifted.length === 0) return undefined;
  const text = shifted
    .map(({ modelVersion, from, to, rows, far }) => {
      const named = far.slice(0, MAX_LISTED).map(({ name, psi }) => `  ${name}: ${psi.toFixed(2)}`);
      const more = far.length > MAX_LISTED ? [`  and ${far.length - MAX_LISTED} more`] : [];
      return [
        `Model ${modelVersion}, ${rows} decisions of ${from} to ${to}. These differ from its training data ` +
          '(population stability index of 0.25 or more):',
        ...named,
        ...more,
      ].join('\n');
    })
    .join('\n\n');
  return {
    id: `drift.${shifted.map(({ modelVersion, to }) => `${modelVersion}.${to}`).join('.')}`,
    recipient: SUPERVISORS,
    subject:
      'Payments differ from the training data of the model: ' +
      `${shifted.map(({ modelVersion }) => modelVersion).join(', ')}`,
    text:
      `${text}\n\nGET /v1/drift has all figures. A backtest on recent labelled payments shows whether the model ` +
      'still finds fraud.',
    at,
  };
}
