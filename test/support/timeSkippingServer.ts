import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { searchAttributes } from '../../src/domain/platform/searchAttributes';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes';

/** Temporal's time-skipping test server, from Maven Central; fetched once a machine. */
const VERSION = '1.31.0';
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'longwatch', 'test-server', VERSION);

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>longwatch</groupId><artifactId>test-server</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>`;

/** Its libraries. @throws Error that says what to install. */
function installed(): string {
  const lib = join(CACHE, 'lib');
  if (existsSync(lib)) return lib;
  mkdirSync(dirname(CACHE), { recursive: true });
  const folder = mkdtempSync(`${CACHE}-`);
  writeFileSync(join(folder, 'pom.xml'), POM);
  try {
    execFileSync(
      'mvn',
      [
        '-q',
        '-B',
        '-f',
        join(folder, 'pom.xml'),
        'dependency:copy-dependencies',
        `-DoutputDirectory=${join(folder, 'lib')}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(
      'The time-skipping tests need Java and Maven (Debian: apt-get install default-jre-headless maven)',
      { cause: error },
    );
  }
  try {
    renameSync(folder, CACHE);
  } catch (error) {
    if (!existsSync(lib)) throw error; // Else another test was faster.
    rmSync(folder, { recursive: true, force: true });
  }
  return lib;
}

/** The script that starts it; beside its libraries, since a test's environment does not reach what the SDK starts. */
function startScript(lib: string): string {
  const script = join(dirname(lib), 'start');
  // exec: the SDK stops only the process that it started. Flags: it lives for a minute, which no optimiser pays back.
  const text =
    `#!/bin/sh\nexec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '${lib}/*' ` +
    'io.temporal.testserver.TestServer "$@"\n';
  if (existsSync(script) && readFileSync(script, 'utf8') === text) return script;
  const made = `${script}-${process.pid}`;
  writeFileSync(made, text, { mode: 0o755 });
  renameSync(made, script); // Whole at any instant, for the tests beside this one.
  return script;
}

/** A Temporal server that skips time, with our search attributes. */
export async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const environment = await startPatiently(startScript(installed()));
  await environment.connection.operatorService.addSearchAttributes({
    namespace: environment.namespace ?? 'default',
    searchAttributes: Object.fromEntries(
      Object.values(searchAttributes).map(({ name, type }) => [name, encodeSearchAttributeIndexedValueType(type) ?? 0]),
    ),
  });
  return environment;
}

/** The SDK gives the server five seconds to come up; a busy machine may need more than one of these. */
async function startPatiently(path: string): Promise<TestWorkflowEnvironment> {
  for (let tries = 1; ; tries++)
    try {
      return await TestWorkflowEnvironment.createTimeSkipping({
        server: { executable: { type: 'existing-path', path } },
      });
    } catch (error) {
      if (tries === 12 || !/did not start within/.test(String(error))) throw error;
    }
}
