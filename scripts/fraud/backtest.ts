import { createWriteStream, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import Table from 'cli-table3';
import type { Argv } from 'yargs';
import { outcomes } from '../../src/domain/fraud/decision';
import { backtest as run, type BacktestReport, type Candidate, type CandidateReport } from '../../src/lab/backtest';
import { htmlReport } from '../../src/lab/backtestPage';
import { readModel } from '../../src/lab/modelFile';
import { readRules } from '../../src/lab/rulesFile';
import { asDuration, fileOptions, windowOf, windowOptions } from './options';
import { withBar } from './progress';

const SHIPPED = join(__dirname, '..', '..', 'model', 'fraud.json');

const options = <T>(command: Argv<T>) =>
  windowOptions(fileOptions(command))
    .option('model', {
      type: 'string',
      default: SHIPPED,
      defaultDescription: 'the shipped model',
      describe: 'Model file',
    })
    .option('rules', { type: 'string', describe: 'Rule set as JSON; default the shipped one' })
    .option('compare-model', { type: 'string', describe: 'Second model to compare' })
    .option('compare-rules', { type: 'string', describe: 'Second rule set to compare' })
    .option('scores', {
      type: 'string',
      describe: 'Write transactionId,score of every payment of the window to this CSV file',
    })
    .option('report', { type: 'string', describe: 'Write an HTML page with the figures and curves to this file' })
    .option('found-since', {
      type: 'string',
      default: '14d',
      describe: 'A customer with a known fraud within this time before the window is no new discovery',
      coerce: (text: string) => asDuration(text, 'found-since'),
    });

const candidate = (model: string, rules: string | undefined): Candidate => ({
  name: `${basename(model)} with ${rules === undefined ? 'the shipped rules' : basename(rules)}`,
  model: readModel(model),
  rules: readRules(rules),
});

/** The command `fraud backtest`. */
export const backtest = (cli: Argv): Argv =>
  cli.command(
    'backtest',
    'Decides past payments with a model and rules, and measures the result',
    options,
    async (args) => {
      const {
        transactions,
        amountUnit,
        currency,
        labelDelay,
        foundSince,
        model,
        rules,
        compareModel,
        compareRules,
        scores,
        report,
      } = args;
      const window = windowOf(args);
      const candidates = [candidate(model, rules)];
      if (compareModel !== undefined || compareRules !== undefined)
        candidates.push(candidate(compareModel ?? model, compareRules ?? rules));
      const scoreFile = scores === undefined ? undefined : createWriteStream(scores);
      scoreFile?.write('transactionId,score\n');
      const found = await withBar('backtest', (show) =>
        run({
          transactions,
          format: { amountUnit, currency },
          window,
          labelDelayMs: labelDelay,
          foundSinceMs: foundSince,
          candidates,
          onProgress: show,
          ...(scoreFile && {
            onScore: (id: string, score: number) => {
              if (scoreFile.write(`${id},${score}\n`)) return undefined;
              return new Promise<void>((resolve) => scoreFile.once('drain', resolve));
            },
          }),
        }),
      );
      if (scoreFile) await new Promise((resolve) => scoreFile.end(resolve));
      print(found);
      if (report !== undefined) {
        writeFileSync(report, htmlReport(found));
        console.log(`\nReport with the curves: ${report}`);
      }
    },
  );

const style = { head: [], border: [] };
const percent = (part: number, whole: number): string => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`);
const fixed = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(4));

function print({ payments, frauds, unknown, candidates, changes }: BacktestReport): void {
  console.log(`\n${payments} payments, ${frauds} of them fraud${unknown > 0 ? `, ${unknown} without a label` : ''}`);
  const table = new Table({ head: ['', ...candidates.map(({ name }) => name)], style });
  const row = (what: string, value: (one: CandidateReport) => string) => table.push([what, ...candidates.map(value)]);
  row('ROC AUC', ({ rocAuc }) => fixed(rocAuc));
  row('average precision', ({ averagePrecision }) => fixed(averagePrecision));
  row('ROC AUC, customers not yet found', ({ unfound }) => fixed(unfound.rocAuc));
  row('average precision, the same', ({ unfound }) => fixed(unfound.averagePrecision));
  row('card precision at 100 a day', ({ unfound }) => fixed(unfound.cardPrecision100));
  row(
    'value detected, EUR',
    ({ value: { detected, lost } }) => `${detected.toFixed(0)} (${percent(detected, detected + lost)})`,
  );
  row('value lost, EUR', ({ value: { lost } }) => lost.toFixed(0));
  for (const outcome of outcomes)
    row(
      `${outcome}: genuine, fraud`,
      (one) =>
        `${one.outcomes[outcome].genuine}, ${one.outcomes[outcome].fraud} (precision ` +
        `${percent(one.outcomes[outcome].fraud, one.outcomes[outcome].fraud + one.outcomes[outcome].genuine)}, ` +
        `recall ${percent(one.outcomes[outcome].fraud, frauds)})`,
    );
  for (const id of new Set(candidates.flatMap(({ rules }) => rules.map((rule) => rule.id))))
    row(`rule ${id}`, ({ rules }) => {
      const rule = rules.find((one) => one.id === id);
      return rule ? `${rule.hits.genuine}, ${rule.hits.fraud}${rule.shadow ? ' (shadow)' : ''}` : 'absent';
    });
  console.log(table.toString());
  if (!changes) return;
  const moved = new Table({ head: ['first \\ second', ...outcomes], style });
  for (const from of outcomes) moved.push([from, ...outcomes.map((to) => String(changes[from][to]))]);
  console.log(`\nChanged decisions (rows: first candidate, columns: second):\n${moved.toString()}`);
}
