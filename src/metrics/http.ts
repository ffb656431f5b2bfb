import { Gauge, Histogram, type Registry } from 'prom-client';

export interface ServedRequest {
  method: string;
  /** The route's pattern, never a path; `none` where there is no route. */
  route: string;
  /** 499: the client went away before the answer. */
  status: number;
  seconds: number;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Requests: rate, errors and duration by route. */
export class HttpMetrics {
  private readonly requests: Histogram<'method' | 'route' | 'status'>;
  private readonly underWay: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.requests = new Histogram({
      name: 'longwatch_http_request_seconds',
      help: 'Requests by route pattern, method and status; 499: the client went away first',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    });
    this.underWay = new Gauge({ name: 'longwatch_http_requests_in_flight', help: 'Requests that are being answered', registers });
  }

  began(): void {
    this.underWay.inc();
  }

  served({ method, route, status, seconds }: ServedRequest): void {
    this.underWay.dec();
    // Node.js takes dozens of methods; whoever tries them is not to make as many series.
    this.requests.observe({ method: METHODS.has(method) ? method : 'other', route, status: String(status) }, seconds);
  }
}
