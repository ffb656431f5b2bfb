import type { RuleSet } from '../../domain/fraud/ruleSet';
import type { Db } from '../dynamodb';
import { VersionedStore } from '../versioned';

/** The model that decides: the name of its SageMaker endpoint. Absent: the configured one. */
export interface LiveModel {
  endpointName: string;
}

/** What decides beside the live model and rules, without effect; where it has none of its own it takes the live one. */
export interface Challenger {
  endpointName?: string;
  ruleSet?: RuleSet;
}

export type RuleStore = VersionedStore<RuleSet>;
export type LiveModelStore = VersionedStore<LiveModel>;
/** null: there was one, and there is none now. */
export type ChallengerStore = VersionedStore<Challenger | null>;

export const ruleStore = (db: Db): RuleStore => new VersionedStore(db, 'transactions', 'rule set');
export const liveModelStore = (db: Db): LiveModelStore => new VersionedStore(db, 'live-model', 'model');
export const challengerStore = (db: Db): ChallengerStore => new VersionedStore(db, 'challenger', 'challenger');
