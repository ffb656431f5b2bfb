import { createHmac } from 'node:crypto';
import { sessionActivities } from '../../activities/sessions';
import { defined } from '../../domain/defined';
import { SessionSweeper } from '../../operations/sessions/sweeper';
import { ownerIn, type Owners } from '../../api/sessions/browserSession';
import { sessionFrame } from '../../api/sessions/sessionFrame';
import { isReachedByTls } from '../../api/sessions/sessionCookie';
import { sessionRoutes } from '../../api/sessions/sessions';
import { SessionEvents } from '../../operations/sessions/sessionEvents';
import { DynamoDBSessionStore } from '../../stores/sessions/dynamoDBSessionStore';
import { ExpiryIndex } from '../../stores/sessions/expiryIndex';
import {
  SESSION_EXPIRY_TYPE,
  sessionExpiryId,
  type SessionExpiryInput,
  SESSIONS_QUEUE,
} from '../../domain/sessions/workflows';
import type { CapabilityInstance, Services, StandingWorkflow } from '../capability';
import type { sessionsSettings } from '../../config/sessions';
import type { SessionMetrics } from '../../metrics/sessions';

/** Builds the capability: the session store behind the API's cookie, and the sweepers that end expired sessions. */
export function buildSessions(
  { config, db, notifications, signingSecret, onFault, onSkipped, note }: Services<typeof sessionsSettings>,
  metrics: SessionMetrics,
): CapabilityInstance {
  const recipient = config.LONGWATCH_SESSION_EVENTS_TO;
  const owners: Owners = new WeakMap();
  const store = new DynamoDBSessionStore({
    client: db.client,
    tableName: db.table('Sessions'),
    idleTimeoutMs: config.LONGWATCH_SESSION_IDLE_MS,
    absoluteTimeoutMs: config.LONGWATCH_SESSION_ABSOLUTE_MS,
    ...defined({ touchThresholdMs: config.LONGWATCH_SESSION_TOUCH_MS }),
    maxDataBytes: config.LONGWATCH_SESSION_MAX_BYTES,
    ownerOf: ownerIn(owners),
    expiryBuckets: config.LONGWATCH_SESSION_BUCKETS,
    keepEvents: recipient !== undefined,
    watch: {
      created: () => {
        metrics.created();
        note({ area: 'sessions', tone: 'routine', text: 'session opened', count: 1 });
      },
      touched: (written) => metrics.touched(written),
      refused: () => metrics.refused(),
      ended: (event, key) => {
        metrics.ended(event.reason);
        note({ area: 'sessions', tone: 'routine', text: `session ended: ${event.reason}`, count: 1 });
        events?.reportSoon({ event, key });
      },
    },
  });
  const events =
    recipient === undefined
      ? undefined
      : new SessionEvents({ notifications, ends: store.ends, recipient, onFault, onSkipped: onSkipped('session') });
  const index = new ExpiryIndex(db);
  metrics.watchOldestDue(() => oldestDue(index, config.LONGWATCH_SESSION_BUCKETS));
  const sweeper = new SessionSweeper({
    index,
    ends: store.ends,
    ...defined({ events }),
    shortestLifeMs: Math.min(config.LONGWATCH_SESSION_IDLE_MS, config.LONGWATCH_SESSION_ABSOLUTE_MS),
    onLateness: (ms) => metrics.swept(ms),
    onFault,
    onSkipped: onSkipped('session'),
  });
  // Derive a separate key, so that a signature of a link is never valid for a cookie.
  const secret = createHmac('sha256', signingSecret).update('session cookie').digest('base64url');
  const frame = sessionFrame(store, owners, {
    secret,
    secure: isReachedByTls(config.HOST, config.LONGWATCH_PUBLIC_URL),
  });
  return {
    routes: sessionRoutes({ frame, users: store.users }),
    activities: { [SESSIONS_QUEUE]: sessionActivities({ sweeper }) },
    standing: Array.from({ length: config.LONGWATCH_SESSION_BUCKETS }, (_, bucket) =>
      standing(bucket, config.LONGWATCH_SESSION_SWEEP_MS),
    ),
    close: async () => events?.flush(),
  };
}

/** Expiry buckets queried per scrape. With more buckets than this, each scrape samples a random window. */
const BUCKETS_A_LOOK = 16;

/** Returns since when (epoch ms) the oldest due session of the queried buckets is due; Infinity if none is. */
async function oldestDue(index: ExpiryIndex, buckets: number): Promise<number> {
  const from = Math.floor(Math.random() * buckets);
  const asked = Array.from({ length: Math.min(BUCKETS_A_LOOK, buckets) }, (_, i) => String((from + i) % buckets));
  const due = await Promise.all(asked.map((bucket) => index.oldestDue(bucket, Date.now())));
  return Math.min(Number.POSITIVE_INFINITY, ...due.filter((at) => at !== undefined));
}

function standing(bucket: number, sweepMs: number): StandingWorkflow {
  const input: SessionExpiryInput = { bucket, sweepMs };
  return {
    type: SESSION_EXPIRY_TYPE,
    workflowId: sessionExpiryId(bucket),
    taskQueue: SESSIONS_QUEUE,
    args: [input],
    staticSummary: 'Ends sessions when they expire',
  };
}
