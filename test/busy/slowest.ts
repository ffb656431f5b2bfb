import { readFileSync } from 'node:fs';
import { type JestResults, slowest } from './results';

/** `slowest.ts <file that jest --json wrote>`: prints the files that took longest. */
const [file = ''] = process.argv.slice(2);
console.log(slowest(JSON.parse(readFileSync(file, 'utf8')) as JestResults, 20));
