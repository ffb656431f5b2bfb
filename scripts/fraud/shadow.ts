import { createInterface } from 'node:readline/promises';
import Table from 'cli-table3';
import type { Argv } from 'yargs';
import { outcomes } from '../../src/domain/fraud/decision';
import { LabError } from '../../src/lab/errors';
import { readRuleSet } from '../../src/lab/rulesFile';
import { apiOptions, ask, type Answered } from './api';

interface Shown {
  version: number;
  endpointName?: string;
  ruleSet?: object;
  putBy: string;
  putAt: string;
  comparison: {
    decisions: number;
    agreement: number | null;
    pairs: { live: string; shadow: string; decisions: number }[];
    failed: number;
    dropped: number;
  };
}

const style = { head: [], border: [] };
const plural = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Prints the challenger, and a comparison of its decisions with the live ones. */
function show({ body }: Answered): void {
  const { version, endpointName, ruleSet, putBy, putAt, comparison } = body as unknown as Shown;
  const what = [endpointName && `the model of the endpoint ${endpointName}`, ruleSet && 'its own rules']
    .filter(Boolean)
    .join(' and ');
  console.log(`Challenger ${version}: ${what}; set by ${putBy}, ${putAt}`);
  const { decisions, agreement, pairs, failed, dropped } = comparison;
  if (decisions === 0) return console.log('No decisions have been compared yet.');
  const table = new Table({
    head: ['live', ...outcomes.map((outcome) => `challenger: ${outcome}`)],
    colAligns: ['left', ...outcomes.map(() => 'right' as const)],
    style,
  });
  for (const live of outcomes)
    table.push([
      live,
      ...outcomes.map((shadow) =>
        String(pairs.find((pair) => pair.live === live && pair.shadow === shadow)?.decisions ?? 0),
      ),
    ]);
  console.log(table.toString());
  const missed = `; not compared: ${failed} without the challenger's answer, ${dropped} because of too many at once`;
  console.log(
    `${plural(decisions, 'decision')} compared, ${(100 * (agreement ?? 0)).toFixed(2)} % the ` +
      `same${failed + dropped > 0 ? missed : ''}`,
  );
}

/** The command `fraud shadow`. */
export const shadow = (cli: Argv): Argv =>
  cli.command(
    'shadow',
    'Shows, sets or removes the challenger: a model or rule set whose decisions are compared with the live ones',
    (command) =>
      apiOptions(command)
        .option('endpoint', {
          type: 'string',
          describe: 'Set a challenger: the SageMaker endpoint of its model; default the live one',
        })
        .option('rules', {
          type: 'string',
          describe: 'Set a challenger: JSON file of its rules; default the live ones',
        })
        .option('remove', { type: 'boolean', describe: 'Remove the challenger' })
        .conflicts('remove', ['endpoint', 'rules']),
    async ({ url, key, endpoint, rules, remove }) => {
      const api = { url, key };
      if (remove) {
        await ask(api, 'DELETE', '/v1/shadow');
        return console.log('Removed the challenger.');
      }
      if (endpoint !== undefined || rules !== undefined)
        await ask(api, 'PUT', '/v1/shadow', {
          body: {
            ...(endpoint !== undefined && { endpointName: endpoint }),
            ...(rules !== undefined && { ruleSet: readRuleSet(rules) }),
          },
        });
      show(await ask(api, 'GET', '/v1/shadow'));
    },
  );

/** The command `fraud promote`. */
export const promote = (cli: Argv): Argv =>
  cli.command(
    'promote',
    'Shows the comparison, and makes the challenger’s model and rules the live ones',
    (command) =>
      apiOptions(command).option('yes', { type: 'boolean', default: false, describe: 'Promote without a question' }),
    async ({ url, key, yes }) => {
      const api = { url, key };
      const found = await ask(api, 'GET', '/v1/shadow');
      show(found);
      if (!yes) {
        if (!process.stdin.isTTY)
          throw new LabError('stdin is not a terminal, so the question cannot be asked; use --yes to promote');
        const terminal = createInterface({ input: process.stdin, output: process.stdout });
        const answer = await terminal.question('Promote it? [y/N] ');
        terminal.close();
        if (!/^y(es)?$/i.test(answer.trim())) return console.log('Not promoted.');
      }
      const { body } = await ask(api, 'POST', '/v1/shadow/promote', {
        ...(found.etag !== undefined && { ifMatch: found.etag }),
      });
      const live = [
        body['endpointName'] && `the model of the endpoint ${String(body['endpointName'])}`,
        body['ruleSetVersion'] && `rule set ${String(body['ruleSetVersion'])}`,
      ]
        .filter(Boolean)
        .join(' and ');
      console.log(`Live from now on: ${live}`);
    },
  );
