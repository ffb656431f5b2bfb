import { join } from 'node:path';
import { compiledRoot } from './sources';

/** A folder with `src` and `test/support` as JavaScript, for the processes that tests start. */
export const builtRoot = (): string => compiledRoot(['src', join('test', 'support')]);

/** The arguments of Node for a file of `src` or `test/support`. */
export const built = (file: string): string => join(builtRoot(), file.replace(/\.ts$/, '.js'));
