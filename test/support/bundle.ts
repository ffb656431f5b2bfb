import { everything } from '../../src/graph/capabilities';
import { bundle } from '../../src/workers/bundle';

/** The workflows as one file, bundled once for all tests and the processes that they start. */
export async function workflowBundle(): Promise<{ codePath: string }> {
  return (await bundle(everything.workflowsPaths())) as { codePath: string };
}
