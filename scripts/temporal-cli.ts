import { showProgress } from '../src/local/progress';
import { StartError } from '../src/local/errors';
import { findTemporal } from '../src/local/temporalCli';

/**
 * Prints the path of the `temporal` executable for the embedded stack. If there is none, the script downloads it, or
 * builds it in about five minutes. Progress goes to stderr.
 */
async function main(): Promise<void> {
  const progress = showProgress(process.stderr);
  const { TEMPORAL_CLI_PATH: cliPath } = process.env;
  try {
    const executable = await findTemporal({
      ...(cliPath && { cliPath }),
      onStage: (stage, detail) => progress.stage('Temporal', stage, detail),
    });
    console.log(executable);
  } finally {
    progress.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof StartError ? error.message : error);
  process.exit(1);
});
