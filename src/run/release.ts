import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');

/** Path of the model that ships with this release. */
export const MODEL = join(ROOT, 'model', 'fraud.json');

/** Version of this release, from package.json. */
export const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
