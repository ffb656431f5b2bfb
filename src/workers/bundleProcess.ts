import { bundleWorkflowCode } from '@temporalio/worker';
import { type BundleAnswer, type BundleOrder, bundleOptions } from './bundle';

/** Bundles workflows for another process and ends. */
async function answerTo({ workflowsPaths, failureConverterPath }: BundleOrder): Promise<BundleAnswer> {
  try {
    const { code } = await bundleWorkflowCode(bundleOptions(workflowsPaths, failureConverterPath));
    return { code };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

process.once('message', (order: BundleOrder) => {
  void answerTo(order).then((answer) => process.send?.(answer, undefined, undefined, () => process.exit()));
});
process.once('disconnect', () => process.exit(1));
