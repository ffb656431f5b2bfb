/** Every workflow, for the bundle. */
export { fanOut } from './feeds/fanOut';
export { relation } from './feeds/relation';
export { retract } from './feeds/retract';
export { turn } from './feeds/turn';
export { driftReport } from './fraud/driftReport';
export { investigation } from './fraud/investigation';
export { redrive } from './operations/redrive';
export { relay } from './operations/relay';
export { shard } from './operations/shard';
export { stream } from './operations/stream';
