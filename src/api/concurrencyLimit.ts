export interface ConcurrencySettings {
  min: number;
  max: number;
  initial: number;
  now?: () => number;
}

/** A window ends after so much time and so many samples. */
const WINDOW_MS = 100;
const WINDOW_SAMPLES = 20;
/** Median slowness, as a multiple of the unloaded latency, that is aimed at. */
const TOLERANCE = 1.5;
/** By how much a window may change the limit. */
const [SHRINK, GROW, HEADROOM] = [0.75, 1.1, 0.5];
/** Of a baseline, by each request that was alone; a stochastic median. */
const STEP = 0.02;
/** The same while the limit is as low as it goes: what is slow even so is the new normal, as when a part behind us became slower. */
const STEP_AT_LEAST = 0.005;
const FIRST_SAMPLES = 20;
/**
 * Where most loaded samples are this far below the baseline, it is too high: it was learnt while code was cold. Single
 * ones say nothing: requests differ, and a baseline that followed the cheapest would close the door bit by bit.
 */
const TOO_HIGH = 0.8;
/** Weight of a sample in the share of those that are far below. */
const WEIGHT = 0.05;

interface Baseline {
  ms: number;
  samples: number;
  /** Of the loaded samples of late, the share far below the baseline. */
  below: number;
}

/**
 * How many requests may be under way so that they stay nearly as fast as one alone: beyond it they only wait for each
 * other. A gradient as in Envoy's adaptive concurrency filter and Netflix' concurrency-limits: the limit times the
 * unloaded latency over the present one, plus a little headroom. The unloaded latency is learnt of each route from
 * requests that were alone, so that neither slow routes nor a long overload pass for the normal.
 */
export class ConcurrencyLimit {
  private limit: number;
  private readonly baselines = new Map<string, Baseline>();
  private slowness: number[] = [];
  private windowSince: number;
  private peak = 0;
  private readonly now: () => number;

  constructor(private readonly settings: ConcurrencySettings) {
    this.limit = settings.initial;
    this.now = settings.now ?? performance.now.bind(performance);
    this.windowSince = this.now();
  }

  get value(): number {
    return Math.floor(this.limit);
  }

  /**
   * A request is done.
   * @param route bounded in number
   * @param underWay how many were, itself included, when it began
   */
  sample(route: string, ms: number, underWay: number): void {
    const baseline = this.learn(route, ms, underWay);
    this.slowness.push(ms / baseline);
    this.peak = Math.max(this.peak, underWay);
    const now = this.now();
    if (this.slowness.length < WINDOW_SAMPLES || now - this.windowSince < WINDOW_MS) return;
    this.adapt();
    this.slowness = [];
    this.peak = 0;
    this.windowSince = now;
  }

  private learn(route: string, ms: number, underWay: number): number {
    const found = this.baselines.get(route);
    if (!found) {
      this.baselines.set(route, { ms: Math.max(ms, 0.1), samples: 1, below: 0 });
      return Math.max(ms, 0.1);
    }
    const step = underWay === 1 ? STEP : this.value <= this.settings.min ? STEP_AT_LEAST : 0;
    if (underWay === 1 && ++found.samples <= FIRST_SAMPLES) found.ms += (ms - found.ms) / found.samples;
    else if (step > 0) found.ms *= ms > found.ms ? 1 + step : 1 - step;
    else {
      found.below += ((ms < TOO_HIGH * found.ms ? 1 : 0) - found.below) * WEIGHT;
      if (found.below > 0.5) found.ms *= 1 - STEP;
    }
    found.ms = Math.max(found.ms, 0.1);
    return found.ms;
  }

  private adapt(): void {
    const sorted = this.slowness.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 1;
    const gradient = Math.min(GROW, Math.max(SHRINK, TOLERANCE / median));
    const next = this.limit * gradient + HEADROOM;
    // A limit that was not reached was not tried.
    if (next > this.limit && this.peak < this.value) return;
    this.limit = Math.min(this.settings.max, Math.max(this.settings.min, next));
  }
}
