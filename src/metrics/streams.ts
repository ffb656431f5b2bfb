import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Metrics of stream consumers. */
export class StreamMetrics {
  private readonly lagging: Gauge<'stream' | 'shard'>;
  private readonly records: Counter<'stream' | 'result'>;
  private readonly batchRecords: Histogram<'stream'>;
  private readonly batchSeconds: Histogram<'stream'>;
  private readonly trims: Counter<'stream'>;
  private readonly letters: Counter<'source'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.lagging = new Gauge({
      name: 'longwatch_stream_lag_seconds',
      help: 'Lag of a stream reader behind the newest record, by shard that this process reads',
      labelNames: ['stream', 'shard'],
      registers,
    });
    this.records = new Counter({
      name: 'longwatch_stream_records_total',
      help: 'Records that a stream reader handled, by result',
      labelNames: ['stream', 'result'],
      registers,
    });
    this.batchRecords = new Histogram({
      name: 'longwatch_stream_batch_records',
      help: 'Records in a batch',
      labelNames: ['stream'],
      buckets: [1, 3, 10, 30, 100, 300, 1_000],
      registers,
    });
    this.batchSeconds = new Histogram({
      name: 'longwatch_stream_batch_seconds',
      help: 'Duration of a batch, from its read to its checkpoint',
      labelNames: ['stream'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
    this.trims = new Counter({
      name: 'longwatch_stream_trimmed_total',
      help: 'Times that a stream reader found its position trimmed from the stream',
      labelNames: ['stream'],
      registers,
    });
    this.letters = new Counter({
      name: 'longwatch_dead_letters_total',
      help: 'Records that could not be processed and became dead letters',
      labelNames: ['source'],
      registers,
    });
  }

  /** Starts the counters of a stream at 0: Prometheus sees no increase in a series whose first sample is 1. */
  opened(stream: string): void {
    this.trims.inc({ stream }, 0);
    this.letters.inc({ source: stream }, 0);
  }

  /** Sets the lag of a shard. */
  lag(stream: string, shard: string, milliseconds: number): void {
    this.lagging.set({ stream, shard }, milliseconds / 1000);
  }

  /** Removes the lag of a shard that this process no longer reads. Its next reader reports it. */
  left(stream: string, shard: string): void {
    this.lagging.remove({ stream, shard });
  }

  /** Records a processed batch and its duration. */
  batch(
    stream: string,
    {
      records,
      seconds,
      counts,
      deadLetters,
    }: { records: number; seconds: number; counts: Readonly<Record<string, number>>; deadLetters: number },
  ): void {
    this.batchRecords.observe({ stream }, records);
    this.batchSeconds.observe({ stream }, seconds);
    for (const [result, count] of Object.entries(counts)) this.records.inc({ stream, result }, count);
    if (deadLetters > 0) this.letters.inc({ source: stream }, deadLetters);
  }

  /** Counts dead letters of a source that is not a stream. A count of 0 starts the counter. */
  deadLetters(source: string, count: number): void {
    this.letters.inc({ source }, count);
  }

  /** Counts a position that was trimmed from the stream. */
  trimmed(stream: string): void {
    this.trims.inc({ stream });
  }
}
