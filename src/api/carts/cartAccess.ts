import type { Caller } from '../../domain/platform/caller';
import { Problem } from '../http/problem';

/**
 * Roles that may use a cart. A `service` may act for every customer; a `customer` only for itself (see `mustBeOwn`).
 */
export const cartRoles = ['service', 'customer'] as const;

/**
 * Roles of routes that only a back end may call. Confirming states that the customer has paid. Merging names any guest,
 * so a customer could take over another guest's cart. Products belong to the shop.
 */
export const backEndOnly = ['service'] as const;

/** Checks that a customer acts for itself. @throws Problem 403 if a customer names another user. */
export function mustBeOwn(caller: Caller, userId: string): void {
  if (caller.role === 'customer' && caller.name !== userId)
    throw new Problem(403, `${caller.name} may not read or change data of user ${userId}`);
}
