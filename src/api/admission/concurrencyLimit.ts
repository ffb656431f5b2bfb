import { type Clock, monotonicClock } from '../../timing/clock';

/** Bounds of the concurrency limit, all in active requests. */
export interface ConcurrencySettings {
  min: number;
  max: number;
  initial: number;
  /** Default: the monotonic clock. */
  clock?: Clock;
}

/** A measurement of one finished request. */
export interface Sample {
  /** Route of the request. The number of routes is bounded. */
  route: string;
  ms: number;
  /** The highest number of requests that were active at once while this one was, including itself. */
  active: number;
  /** Whether the handler did all of its work. Otherwise it failed or timed out. */
  completed: boolean;
}

/**
 * Minimum length of a measurement window. A window also needs as many completions as requests may be active, and at
 * least WINDOW_COMPLETIONS.
 */
const WINDOW_MS = 100;
const WINDOW_COMPLETIONS = 8;
/** A window ends after this time, even with too few completions. */
const LONGEST_WINDOW_MS = 1_000;
/**
 * Active requests above the number that the service rate needs, so that random variation never leaves the process idle:
 * an absolute number, or a share of the limit if that is more.
 */
const [HEADROOM, HEADROOM_SHARE] = [3, 0.25];
/** Weight of the newest window in the limit (WEIGHT) and in the measured service rate (RATE_WEIGHT). */
const WEIGHT = 0.5;
const RATE_WEIGHT = 0.3;
/**
 * Weight of a sample in a route's average duration, recent or unloaded; PROBE_WEIGHT during a probe. The first samples
 * count more, as a plain average.
 */
const SAMPLE_WEIGHT = 0.05;
const PROBE_WEIGHT = 0.1;
const FIRST_SAMPLES = 20;
/** A probe lets one request at a time run, until it has PROBE_SAMPLES samples or PROBE_MS milliseconds have passed. */
const PROBE_SAMPLES = 5;
const PROBE_MS = 600;
/**
 * Time between probes while the process is saturated. It starts at PROBE_SOON_MS, doubles with each probe up to
 * PROBE_EVERY_MS, and starts again when the unloaded duration seems to have changed.
 */
const [PROBE_SOON_MS, PROBE_EVERY_MS] = [1_000, 30_000];
/**
 * The unloaded duration counts as changed if a probe finds it different by the factor MOVED. A service rate below FELL
 * times the usual rate causes a probe soon.
 */
const [MOVED, FELL] = [1.25, 0.7];
/** If requests take less than UNHURRIED times their unloaded duration, the limit grows by the factor GROWTH. */
const [UNHURRIED, GROWTH] = [1.25, 1.5];
/**
 * A process with active requests that completes none for STALLED_MS waits for a slow dependency. The limit then grows
 * by STALLED_GROWTH, up to STALLED_MAX, so that requests for other dependencies still run.
 */
const STALLED_MS = 500;
const [STALLED_GROWTH, STALLED_MAX] = [1.25, 64];

interface RouteTimes {
  /** Average duration of a request that runs alone, in milliseconds. */
  unloaded: number;
  /** Number of samples behind `unloaded`. With 0 samples the value is only an estimate from loaded requests. */
  alone: number;
  /** Recent average duration in milliseconds, at any load. */
  recent: number;
}

/**
 * Computes how many requests may be active: as many as the service rate needs, plus some headroom. Little's law gives
 * the number: service rate × duration of a request that runs alone. More active requests do not increase the
 * throughput. They only wait inside the process, where no queue orders them and where their deadlines already run.
 *
 * The model is that of BBR congestion control (delivery rate × shortest round trip). Like BBR, the limit probes: a
 * saturated process lets one request at a time run for a moment, at least every 30 seconds, and measures the unloaded
 * duration again. So neither a long overload nor a slower dependency is mistaken for the unloaded state for long.
 */
export class ConcurrencyLimit {
  private limit: number;
  private readonly routes = new Map<string, RouteTimes>();
  private readonly clock: Clock;
  private window: { since: number; completions: number; taken: number; unloaded: number; pressed: number };
  private measuredRate: number | undefined;
  private usualRate: number | undefined;
  private lastCompletion: number;
  /**
   * The running probe: its end, its number of samples, and the sums of the unloaded durations before and after each
   * sample.
   */
  private probe: { until: number; samples: number; before: number; after: number } | undefined;
  private probeAt: number;
  private probeEvery = PROBE_SOON_MS;
  private lastProbe = Number.NEGATIVE_INFINITY;
  private grownAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly settings: ConcurrencySettings) {
    this.limit = settings.initial;
    this.clock = settings.clock ?? monotonicClock;
    const now = this.clock.now();
    this.window = { since: now, completions: 0, taken: 0, unloaded: 0, pressed: 0 };
    this.lastCompletion = now;
    this.probeAt = now;
    // A process that has served nothing yet runs cold code, so its first requests run one at a time.
    this.startProbe(now);
  }

  /** Requests that may be active at once. */
  get value(): number {
    if (this.probe && this.clock.now() < this.probe.until) return 1;
    return Math.floor(this.limit);
  }

  /** Completions per second while requests waited; undefined before the first measurement. */
  get rate(): number | undefined {
    return this.measuredRate;
  }

  /** Milliseconds since a request was last completed. */
  get stalledMs(): number {
    return this.clock.now() - this.lastCompletion;
  }

  /**
   * Records a finished request.
   * @param pressed whether other requests waited for a slot when this one finished
   */
  sample({ route, ms, active, completed }: Sample, pressed: boolean): void {
    const now = this.clock.now();
    this.lastCompletion = now;
    const times = completed ? this.learn(route, Math.max(ms, 0.05), active) : this.routes.get(route);
    // A fast failure says nothing, because it may have done no work. A slow failure shows how slow the process is:
    // most slow failures are timeouts.
    if (!times || (!completed && ms < times.unloaded)) return this.endProbe(now);
    const { window } = this;
    window.completions++;
    window.taken += ms;
    window.unloaded += Math.min(times.unloaded, times.recent);
    if (pressed) window.pressed++;
    this.endProbe(now);
    const elapsed = now - window.since;
    const enough = elapsed >= WINDOW_MS && window.completions >= Math.max(WINDOW_COMPLETIONS, this.limit);
    if (!enough && elapsed < LONGEST_WINDOW_MS) return;
    // Adapt only if requests waited: a limit that was never reached was not tested. A probe does not measure the rate.
    if (!this.probe && window.pressed > window.completions / 2) this.adapt(window, elapsed, now);
    this.window = { since: now, completions: 0, taken: 0, unloaded: 0, pressed: 0 };
  }

  /**
   * Raises the limit if the process is stalled, so that requests to a slow dependency do not block requests to other
   * dependencies. Call it regularly while requests wait.
   */
  whileWaiting(): void {
    if (this.stalledMs < STALLED_MS || this.clock.now() - this.grownAt < STALLED_MS || this.limit >= STALLED_MAX)
      return;
    this.grownAt = this.clock.now();
    this.limit = Math.min(this.settings.max, STALLED_MAX, Math.max(this.limit + 1, this.limit * STALLED_GROWTH));
  }

  private learn(route: string, ms: number, active: number): RouteTimes {
    let times = this.routes.get(route);
    if (!times) this.routes.set(route, (times = { unloaded: ms, alone: 0, recent: ms }));
    times.recent += (ms - times.recent) * SAMPLE_WEIGHT;
    if (active <= 1) {
      if (this.probe) this.probe.before += times.unloaded;
      const weight = Math.max(
        1 / ++times.alone,
        times.alone <= FIRST_SAMPLES ? SAMPLE_WEIGHT : 0,
        this.probe ? PROBE_WEIGHT : SAMPLE_WEIGHT,
      );
      times.unloaded += (ms - times.unloaded) * weight;
      if (this.probe) {
        this.probe.samples++;
        this.probe.after += times.unloaded;
      }
      // Requests that ran alone have just measured the unloaded duration, so a probe can wait.
      else this.probeAt = Math.max(this.probeAt, this.clock.now() + PROBE_SOON_MS);
    }
    // The average of loaded requests cannot be below that of a request alone. If it is, cold code was measured as the
    // unloaded duration, so correct it.
    else if (times.recent < times.unloaded) {
      times.unloaded = times.recent;
      this.probeSoon();
    }
    return times;
  }

  private adapt(
    { completions, taken, unloaded }: { completions: number; taken: number; unloaded: number },
    elapsed: number,
    now: number,
  ): void {
    const rate = (completions * 1_000) / elapsed;
    const before = this.usualRate;
    this.measuredRate =
      this.measuredRate === undefined ? rate : this.measuredRate + (rate - this.measuredRate) * RATE_WEIGHT;
    this.usualRate = before === undefined ? rate : before + (rate - before) * (RATE_WEIGHT / 10);
    const headroom = Math.max(HEADROOM, this.limit * HEADROOM_SHARE);
    const wanted = this.limit * Math.min(1, unloaded / taken) + headroom;
    const next =
      taken < UNHURRIED * unloaded
        ? Math.max(this.limit * GROWTH, this.limit + HEADROOM)
        : this.limit + (wanted - this.limit) * WEIGHT;
    this.limit = Math.min(this.settings.max, Math.max(this.settings.min, next));
    if (before !== undefined && this.measuredRate < before * FELL) this.probeSoon();
    if (now >= this.probeAt) this.startProbe(now);
  }

  private startProbe(now: number): void {
    this.probe = { until: now + PROBE_MS, samples: 0, before: 0, after: 0 };
    this.lastProbe = now;
    this.probeAt = now + this.probeEvery;
    this.probeEvery = Math.min(PROBE_EVERY_MS, this.probeEvery * 2);
  }

  private probeSoon(): void {
    this.probeAt = Math.min(this.probeAt, this.lastProbe + PROBE_SOON_MS);
  }

  private endProbe(now: number): void {
    const { probe } = this;
    if (!probe || (probe.samples < PROBE_SAMPLES && now < probe.until)) return;
    this.probe = undefined;
    const ratio = probe.samples === 0 ? 1 : probe.after / probe.before;
    if (ratio < MOVED && ratio > 1 / MOVED) return;
    this.probeEvery = PROBE_SOON_MS;
    this.probeSoon();
  }
}
