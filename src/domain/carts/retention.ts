const DAY_S = 86_400;

/** Retention of a checkout that never held all its lines, in seconds after the end of its hold. */
const UNFINISHED_KEPT_S = DAY_S;
/** Retention of an adjustment's idempotency key, in seconds. A repeated request after this time counts again. */
const ADJUSTMENT_KEPT_S = 7 * DAY_S;

/**
 * Returns the epoch seconds after which TTL may remove a checkout that never held all its lines.
 * @param holdUntil epoch ms at which its holds expire
 */
export const removeUnfinishedAt = (holdUntil: number): number => Math.ceil(holdUntil / 1000) + UNFINISHED_KEPT_S;

/**
 * Returns the epoch seconds after which TTL may remove the idempotency key of an adjustment of stock.
 * @param adjustedAt epoch ms
 */
export const removeAdjustmentAt = (adjustedAt: number): number => Math.ceil(adjustedAt / 1000) + ADJUSTMENT_KEPT_S;
