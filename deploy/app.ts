import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { runScript } from '../scripts/commandLine';
import { makeArtefacts } from './artefacts';
import { readSettings, SettingsError, settingsReference } from './settings';
import { LongwatchStack } from './stack';

/** Writes the stack's template and assets to `out`. Needs no account, no Docker and no network. */
async function synthesise(settingsFile: string, out: string): Promise<void> {
  const settings = readSettings(settingsFile);
  const work = mkdtempSync(join(tmpdir(), 'longwatch-artefacts-'));
  try {
    const app = new App({ outdir: out, analyticsReporting: false });
    new LongwatchStack(app, settings, await makeArtefacts(work));
    app.synth();
    console.log(join(out, `${settings.stackName}.template.json`));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const settingsHelp = settingsReference()
  .map(
    ({ name, fallback, description }) =>
      `  ${name}${fallback ? ` (default ${fallback})` : ''}${description ? `\n      ${description}` : ''}`,
  )
  .join('\n');

runScript(
  {
    name: 'deploy:synth',
    about:
      'Writes the CloudFormation template of Longwatch and the files that it uploads.\n\n' +
      `Settings, as a JSON object:\n\n${settingsHelp}`,
    examples: [['--settings production.json --out cdk.out', 'the template of the settings in production.json']],
    expected: [SettingsError],
  },
  (cli) =>
    cli
      .option('settings', {
        type: 'string',
        default: process.env['LONGWATCH_DEPLOY_SETTINGS'] ?? join(__dirname, 'settings.example.json'),
        defaultDescription: 'LONGWATCH_DEPLOY_SETTINGS, else deploy/settings.example.json',
        describe: 'JSON file of settings',
      })
      .option('out', {
        type: 'string',
        default: process.env['CDK_OUTDIR'] ?? 'cdk.out',
        defaultDescription: 'CDK_OUTDIR, else cdk.out',
        describe: 'Folder of the template',
      }),
  ({ settings, out }) => synthesise(settings, out),
);
