import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runScript } from './commandLine';

const checks = ['lint', 'format:check', 'types', 'boundaries'];

runScript(
  {
    name: 'check',
    about: `Runs ${checks.join(', ')}, all of them even if one fails, and exits with 1 if one failed.`,
    examples: [['', 'before a commit']],
  },
  (cli) => cli,
  () => {
    const failed = checks.filter(
      (name) =>
        spawnSync('npm', ['run', '--silent', name], { cwd: join(__dirname, '..'), stdio: 'inherit' }).status !== 0,
    );
    if (failed.length === 0) return;
    process.stderr.write(`Failed: ${failed.join(', ')}\n`);
    process.exitCode = 1;
  },
);
