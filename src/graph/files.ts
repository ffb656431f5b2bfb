import { join } from 'node:path';

/**
 * The folder that contains src, dist, web and model. The bundle of the Lambda functions is at the same depth below it
 * as this file.
 */
const ROOT = join(__dirname, '..', '..');

/** Folder of the overview page's files. */
export const WEB = join(ROOT, 'web');
/** The training baseline of the model that ships, for the drift report. */
export const BASELINE = join(ROOT, 'model', 'fraud.baseline.json');
