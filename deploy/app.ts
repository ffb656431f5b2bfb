import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { makeArtefacts } from './artefacts';
import { readSettings, settingsReference } from './settings';
import { LongwatchStack } from './stack';

/** Writes the stack's template and what it uploads. Needs no account, no Docker and no network. */
async function main(): Promise<void> {
  const args = await yargs(hideBin(process.argv))
    .scriptName('npm run deploy:synth --')
    .usage(
      `$0 [--settings <file>] [--out <folder>]\n\nWrites the CloudFormation template of Longwatch. Settings, as a JSON object:\n\n${settingsReference()
        .map(
          ({ name, fallback, description }) =>
            `  ${name}${fallback ? ` (default ${fallback})` : ''}${description ? `\n      ${description}` : ''}`,
        )
        .join('\n')}`,
    )
    .option('settings', {
      type: 'string',
      default: process.env['LONGWATCH_DEPLOY_SETTINGS'] ?? join(__dirname, 'settings.example.json'),
      describe: 'JSON file of settings; LONGWATCH_DEPLOY_SETTINGS names it where no option can',
    })
    .option('out', {
      type: 'string',
      default: process.env['CDK_OUTDIR'] ?? 'cdk.out',
      describe: 'Folder that the template goes to',
    })
    .strict()
    .help()
    .parseAsync();
  const settings = readSettings(args.settings);
  const work = mkdtempSync(join(tmpdir(), 'longwatch-artefacts-'));
  try {
    const app = new App({ outdir: args.out, analyticsReporting: false });
    new LongwatchStack(app, settings, await makeArtefacts(work));
    app.synth();
    console.log(`${join(args.out, `${settings.stackName}.template.json`)}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
