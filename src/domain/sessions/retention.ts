const DAY_S = 86_400;

/**
 * Returns the epoch seconds after which TTL may remove an item: a day after the last instant at which a save can
 * succeed.
 */
export const removeAt = (absoluteExpiresAt: number): number => Math.ceil(absoluteExpiresAt / 1000) + DAY_S;
