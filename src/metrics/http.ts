import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type LoadClass, loadClasses } from '../domain/platform/loadClass';

/** A request that was answered, or whose client disconnected. */
export interface ServedRequest {
  method: string;
  /** Pattern of the route, never the path; `none` if no route matched. */
  route: string;
  /** HTTP status; 499 if the client disconnected before the response. */
  status: number;
  seconds: number;
}

/** Numbers of requests in admission control; `limit` is the current maximum of active ones. */
export type AdmissionState = Readonly<Record<'limit' | 'active' | 'waiting' | 'arriving', number>>;

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Metrics of requests: rate, errors and duration by route, shed requests, and the state of admission control. */
export class HttpMetrics {
  private readonly requests: Histogram<'method' | 'route' | 'status'>;
  private readonly underWay: Gauge;
  private readonly shed: Counter<'where' | 'class'>;
  private readonly queued: Histogram<'class'>;
  private admission: (() => AdmissionState) | undefined;

  constructor(registry: Registry) {
    const registers = [registry];
    this.requests = new Histogram({
      name: 'longwatch_http_request_seconds',
      help: 'Requests by route pattern, method and status; 499: the client disconnected before the response',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    });
    this.underWay = new Gauge({
      name: 'longwatch_http_requests_in_flight',
      help: 'Requests in progress',
      registers,
    });
    this.shed = new Counter({
      name: 'longwatch_http_shed_total',
      help:
        'Requests shed under overload, by load class: at arrival (counted in no other metric) or in the ' +
        'admission queue',
      labelNames: ['where', 'class'],
      registers,
    });
    // Start at 0: Prometheus sees no increase in a series whose first sample is 1.
    for (const where of ['arrival', 'queue'])
      for (const loadClass of loadClasses) this.shed.inc({ where, class: loadClass }, 0);
    this.queued = new Histogram({
      name: 'longwatch_http_queue_seconds',
      help:
        'Wait of served requests in the admission queue, from a complete body to the start of the handler, ' +
        'by load class',
      labelNames: ['class'],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    });
    const admission: Gauge<'what'> = new Gauge({
      name: 'longwatch_http_admission_requests',
      help:
        'Requests in admission control: active (processed), waiting (in the queue), arriving (body not ' +
        'complete), and the current limit of active ones',
      labelNames: ['what'],
      registers,
      collect: () => {
        for (const [what, count] of Object.entries(this.admission?.() ?? {})) admission.set({ what }, count);
      },
    });
  }

  /** Counts a request as in progress. */
  began(): void {
    this.underWay.inc();
  }

  /** Records a request that ended. */
  served({ method, route, status, seconds }: ServedRequest): void {
    this.underWay.dec();
    // Node.js accepts dozens of methods. Clients that use unusual ones must not create that many series.
    this.requests.observe({ method: METHODS.has(method) ? method : 'other', route, status: String(status) }, seconds);
  }

  /** Counts a shed request. */
  shedRequest(where: 'arrival' | 'queue', loadClass: LoadClass): void {
    this.shed.inc({ where, class: loadClass });
  }

  /** Records the wait of a request that begins. */
  begins(loadClass: LoadClass, waitedMs: number): void {
    this.queued.observe({ class: loadClass }, waitedMs / 1_000);
  }

  /** Sets the source of the admission state. @param state called at each scrape */
  watchAdmission(state: () => AdmissionState): void {
    this.admission = state;
  }
}
