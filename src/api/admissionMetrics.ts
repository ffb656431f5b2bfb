import { Counter, Gauge, type Registry } from 'prom-client';
import { Admission } from './admission';

/** Before anything is known of how fast this machine is. */
const INITIAL = 8;
/** Below it, one slow request would keep out all others. */
const MIN = 2;

/** The admission of a process, with its metrics. */
export function watchedAdmission(max: number, registry: Registry): Admission {
  const shed = new Counter({ name: 'longwatch_http_shed_total', help: 'Requests turned away because too many were under way: as they arrived, or when they could have begun', labelNames: ['where'], registers: [registry] });
  const admission = new Admission({ min: Math.min(MIN, max), initial: Math.min(INITIAL, max), max, onShed: (where) => shed.inc({ where }) });
  const requests = new Gauge({
    name: 'longwatch_http_requests_under_way',
    help: 'Requests under way and waiting, and how many may be under way',
    labelNames: ['what'],
    registers: [registry],
    collect() {
      for (const [what, count] of Object.entries(admission.state)) requests.set({ what }, count);
    },
  });
  return admission;
}
