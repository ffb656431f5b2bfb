import type { RuleSet } from '../../domain/fraud/ruleSet';
import type { Db } from '../dynamodb';
import { VersionedStore } from '../versioned';

/** The live model, by the name of its SageMaker endpoint. Without one, the configured endpoint scores. */
export interface LiveModel {
  endpointName: string;
}

/**
 * A model and rules whose decisions are compared with the live ones and have no effect. An absent part is the live one.
 */
export interface Challenger {
  endpointName?: string;
  ruleSet?: RuleSet;
}

/** The versions of the rule set. */
export type RuleStore = VersionedStore<RuleSet>;
/** The versions of the live model. */
export type LiveModelStore = VersionedStore<LiveModel>;
/** The versions of the challenger. The value null means that the challenger was removed. */
export type ChallengerStore = VersionedStore<Challenger | null>;

/** Returns the store of the rule set. */
export const ruleStore = (db: Db): RuleStore => new VersionedStore(db, 'transactions', 'rule set');
/** Returns the store of the live model. */
export const liveModelStore = (db: Db): LiveModelStore => new VersionedStore(db, 'live-model', 'model');
/** Returns the store of the challenger. */
export const challengerStore = (db: Db): ChallengerStore => new VersionedStore(db, 'challenger', 'challenger');
