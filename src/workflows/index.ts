/** Every workflow, for the bundle. */
export { cart } from './carts/cart';
export { checkout } from './carts/checkout';
export { fanOut } from './feeds/fanOut';
export { relation } from './feeds/relation';
export { retract } from './feeds/retract';
export { turn } from './feeds/turn';
export { driftReport } from './fraud/driftReport';
export { investigation } from './fraud/investigation';
export { rankCheck } from './leaderboards/rankCheck';
export { season } from './leaderboards/season';
export { seasonMoved } from './leaderboards/seasonMoved';
export { redrive } from './operations/redrive';
export { relay } from './operations/relay';
export { shard } from './operations/shard';
export { stream } from './operations/stream';
export { sessionExpiry } from './sessions/sessionExpiry';
