import type { TrimmedError } from '../../../gateways/streams/source';

/** Called by a consumer, for metrics and logs. */
export interface ConsumerWatch {
  batch?(batch: {
    shardId: string;
    records: number;
    seconds: number;
    counts: Readonly<Record<string, number>>;
    deadLetters: number;
  }): void;
  lag?(shardId: string, milliseconds: number): void;
  /** Called when this process stops reading the shard. */
  left?(shardId: string): void;
  onGap?(error: TrimmedError): void;
  /** Called when a record became a dead letter because handling or writing it fails permanently. */
  refused?(error: unknown, record: { shardId: string; position: string }): void;
}
