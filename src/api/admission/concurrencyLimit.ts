export interface ConcurrencySettings {
  min: number;
  max: number;
  initial: number;
  now?: () => number;
}

/** How a request's work went. */
export interface Sample {
  /** What it did; bounded in number. */
  route: string;
  ms: number;
  /** The most requests that were active while it was, itself included. */
  active: number;
  /** Whether it did all of its work; else it failed, or ran out of time. */
  completed: boolean;
}

/** A window is measured over at least so many milliseconds, and as many completions as requests may be active. */
const WINDOW_MS = 100;
const WINDOW_COMPLETIONS = 8;
/** A window ends after so long however few completions it has. */
const LONGEST_WINDOW_MS = 1_000;
/**
 * Requests active beyond those that the service rate needs, so that chance never leaves the process idle: this many, or
 * this share.
 */
const [HEADROOM, HEADROOM_SHARE] = [3, 0.25];
/** Weight of the newest window in the limit and in the measured service rate. */
const WEIGHT = 0.5;
const RATE_WEIGHT = 0.3;
/** Weight of a sample in a route's unloaded time and in its loaded time; the first samples count in full. */
const SAMPLE_WEIGHT = 0.05;
const PROBE_WEIGHT = 0.1;
const FIRST_SAMPLES = 20;
/** A probe lets one request at a time pass, until it has so many samples or so much time has passed. */
const PROBE_SAMPLES = 5;
const PROBE_MS = 600;
/**
 * Time between probes while the process is saturated: short at first and whenever the unloaded time seems to have
 * changed, then twice as long each time.
 */
const [PROBE_SOON_MS, PROBE_EVERY_MS] = [1_000, 30_000];
const [MOVED, FELL] = [1.25, 0.7];
/** Where requests take less than so many times what they take alone, more may be active by this factor at once. */
const [UNHURRIED, GROWTH] = [1.25, 1.5];
/**
 * A process that completes nothing for so long, although it may, waits for a dependency: more may be active meanwhile,
 * up to a bound.
 */
const STALLED_MS = 500;
const [STALLED_GROWTH, STALLED_MAX] = [1.25, 64];

interface RouteTimes {
  /** Mean time of a request that runs alone, in milliseconds. */
  unloaded: number;
  /** Samples of that; 0: it was only estimated from loaded requests. */
  alone: number;
  /** Mean time of late, however many were active. */
  recent: number;
}

/**
 * How many requests may be active: as many as the service rate needs and a few more (Little's law: rate × the time that
 * a
 * request takes when it runs alone). More of them add no throughput; they only wait inside, where nobody chooses which
 * goes first and where each one's own deadline runs. This is the model of BBR congestion control, which multiplies the
 * delivery rate by the shortest round trip, and like it the limit probes: where a process has been saturated for half a
 * minute it lets one request at a time pass for a moment, to measure the unloaded time anew. So neither a long overload
 * nor a dependency that became slower passes for the unloaded state, or escapes it for long.
 */
export class ConcurrencyLimit {
  private limit: number;
  private readonly routes = new Map<string, RouteTimes>();
  private readonly now: () => number;
  private window: { since: number; completions: number; taken: number; unloaded: number; pressed: number };
  private measuredRate: number | undefined;
  private usualRate: number | undefined;
  private lastCompletion: number;
  /** A probe that runs: until when, with how many samples, and the unloaded times before it. */
  private probe: { until: number; samples: number; before: number; after: number } | undefined;
  private probeAt: number;
  private probeEvery = PROBE_SOON_MS;
  private lastProbe = Number.NEGATIVE_INFINITY;
  private grownAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly settings: ConcurrencySettings) {
    this.limit = settings.initial;
    this.now = settings.now ?? performance.now.bind(performance);
    const now = this.now();
    this.window = { since: now, completions: 0, taken: 0, unloaded: 0, pressed: 0 };
    this.lastCompletion = now;
    this.probeAt = now;
    // A process that has served nothing yet is cold: its first requests run one after another.
    this.startProbe(now);
  }

  /** Requests that may be active now. */
  get value(): number {
    if (this.probe && this.now() < this.probe.until) return 1;
    return Math.floor(this.limit);
  }

  /** Completions a second while requests waited; undefined until it was measured. */
  get rate(): number | undefined {
    return this.measuredRate;
  }

  /** Milliseconds since a request was last completed. */
  get stalledMs(): number {
    return this.now() - this.lastCompletion;
  }

  /**
   * A request is done.
   * @param pressed whether others waited for a place when it was
   */
  sample({ route, ms, active, completed }: Sample, pressed: boolean): void {
    const now = this.now();
    this.lastCompletion = now;
    const times = completed ? this.learn(route, Math.max(ms, 0.05), active) : this.routes.get(route);
    // A failure may be fast because nothing was done. One that is slow shows how slow the process is: most ran out of
    // time.
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
    // A limit that was not reached was not tried, and a probe says nothing of the rate.
    if (!this.probe && window.pressed > window.completions / 2) this.adapt(window, elapsed, now);
    this.window = { since: now, completions: 0, taken: 0, unloaded: 0, pressed: 0 };
  }

  /**
   * To be called now and then while requests wait: slow requests must not keep out those that other dependencies would
   * answer.
   */
  whileWaiting(): void {
    if (this.stalledMs < STALLED_MS || this.now() - this.grownAt < STALLED_MS || this.limit >= STALLED_MAX) return;
    this.grownAt = this.now();
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
      // Nothing to probe for a while: requests that ran alone have told.
      else this.probeAt = Math.max(this.probeAt, this.now() + PROBE_SOON_MS);
    }
    // What many loaded requests take on average is more than one takes alone; else the unloaded time was learnt from
    // cold code.
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
