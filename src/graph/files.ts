import { join } from 'node:path';

/**
 * The folder that holds src, dist, web and model. A bundle of Lambda functions lies as deep in it as this file does.
 */
const ROOT = join(__dirname, '..', '..');

/** The overview page's files. */
export const WEB = join(ROOT, 'web');
/** What the model that ships was trained on, for the drift report. */
export const BASELINE = join(ROOT, 'model', 'fraud.baseline.json');
