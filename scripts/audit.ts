import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runScript } from './commandLine';

/** The JSON of `npm audit`. */
interface Report {
  message?: string;
  statusCode?: number;
  error?: { code?: string; summary?: string };
  metadata?: { vulnerabilities: Record<string, number> };
  vulnerabilities?: Record<string, { severity: string; range: string; fixAvailable?: unknown }>;
}

/**
 * Returns the lines to print for a report, and whether the check failed: a production dependency has a vulnerability of
 * level high or critical. Without a report the check does not fail.
 */
export function verdict(report: Report | undefined): { lines: string[]; failed: boolean } {
  if (!report?.metadata || !report.vulnerabilities) {
    const why =
      report?.statusCode !== undefined ? `HTTP status ${report.statusCode}` : (report?.error?.code ?? 'no report');
    return {
      lines: [`not audited: the registry does not return known vulnerabilities (${why})`],
      failed: false,
    };
  }
  const { total = 0, ...levels } = report.metadata.vulnerabilities;
  const grave = Object.entries(report.vulnerabilities).filter(
    ([, { severity }]) => severity === 'high' || severity === 'critical',
  );
  return {
    lines: [
      `${total} known vulnerabilities in production dependencies (${Object.entries(levels)
        .map(([level, count]) => `${count} ${level}`)
        .join(', ')})`,
      ...grave.map(
        ([name, { severity, range, fixAvailable }]) =>
          `${name} ${range}: ${severity}; ` +
          (fixAvailable
            ? 'npm audit fix'
            : 'no fix yet: remove the package, or explain in docs/threat-model.md why Longwatch is not affected'),
      ),
    ],
    failed: grave.length > 0,
  };
}

function audit(): void {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
    cwd: join(__dirname, '..'),
    encoding: 'utf8',
    timeout: 120_000,
  });
  const { lines, failed } = verdict(parsed(stdout));
  process.stdout.write(`${lines.join('\n')}\n`);
  if (failed) process.exitCode = 1;
}

function parsed(text: string | null): Report | undefined {
  try {
    return JSON.parse(text ?? '') as Report;
  } catch {
    return undefined; // npm timed out or is not installed.
  }
}

if (require.main === module)
  runScript(
    {
      name: 'audit',
      about:
        'Asks the registry for known vulnerabilities of production dependencies (npm audit). Exits with 1 if one of ' +
        'them is high or critical. If the registry has no such list or does not answer, the script says so and exits ' +
        'with 0.',
      examples: [['', 'the number of known vulnerabilities, and each high or critical one']],
    },
    (cli) => cli,
    audit,
  );
