import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');

/** The model that comes with this release. */
export const MODEL = join(ROOT, 'model', 'fraud.json');

/** This release's own, from its package. */
export const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
