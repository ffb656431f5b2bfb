import type { LifecycleRule, Lifecycles } from '../domain/platform/lifecycle';

/** The rules of the workflow types in this bundle. Every execution evaluates the bundle, always in the same order. */
const declared = new Map<string, LifecycleRule>();

/** Declares the rules of a capability's workflow types; called where the capability exports its workflows. */
export function declareLifecycles(rules: Lifecycles): void {
  for (const [type, rule] of Object.entries(rules)) declared.set(type, rule);
}

/** Returns the rule of a workflow type, or undefined for a type that no capability declared. */
export const lifecycleRule = (type: string): LifecycleRule | undefined => declared.get(type);
