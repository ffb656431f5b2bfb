import type { Caller } from '../../domain/platform/caller';
import { Problem } from '../http/problem';

/** A shop's back end may act for everybody; a customer for nobody else. */
export const cartRoles = ['service', 'customer'] as const;

/** @throws Problem 403 when a customer names somebody else. */
export function mustBeOwn(caller: Caller, userId: string): void {
  if (caller.role === 'customer' && caller.name !== userId)
    throw new Problem(403, `You are ${caller.name}; what is ${userId}’s is not yours to see or change`);
}
