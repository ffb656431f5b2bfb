/*
 * Runs Longwatch from its sources: `npm start`, `npm run api` and `npm run worker`. It runs in plain JavaScript, because
 * it compiles the TypeScript of src/ first, if that has changed.
 */
const { join } = require('node:path');
const { compiledRoot } = require('./compiled.cjs');

require(join(compiledRoot(['src']), 'src', 'main.js'));
