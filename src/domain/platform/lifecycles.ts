/** How a workflow type answers a cancellation, and who starts it again when it was terminated, failed or timed out. */
export interface LifecycleRule {
  /**
   * `continues`: a cancellation is noted on the workflow's page and changes nothing else, because a row waits for the end.
   * `stops`: a person may stop this job; no row waits for it, and it can be started again.
   */
  cancelled: 'continues' | 'stops';
  /**
   * `row`: the reconciler, from the stored row. `input`: the reconciler, with the input of the last run, because no row
   * says that it is open. `standing`: the reconciler, as every worker starts it. `parent`: the workflow that started it.
   * `schedule`: its next scheduled run. `nobody`: whoever wants it asks for it again.
   */
  restartedBy: 'row' | 'input' | 'standing' | 'parent' | 'schedule' | 'nobody';
  /**
   * Where a step is refused for good (a value that DynamoDB does not store, a missing grant). `holds`: the workflow says so on
   * its page and takes the step anew after a growing pause. `fails`: it fails, which the Web UI and the metrics show, and holds
   * back nobody else. `itself`: the workflow has its own answer.
   */
  refused: 'holds' | 'fails' | 'itself';
  /** What a person does instead of cancelling or terminating; a sentence for the workflow's page. */
  instead: string;
}

const standing = (instead: string): LifecycleRule => ({ cancelled: 'continues', restartedBy: 'standing', refused: 'holds', instead });
const rowed = (instead: string, refused: LifecycleRule['refused'] = 'holds'): LifecycleRule => ({ cancelled: 'continues', restartedBy: 'row', refused, instead });
const repeated = (instead: string): LifecycleRule => ({ cancelled: 'continues', restartedBy: 'input', refused: 'holds', instead });
const child = (instead: string, refused: LifecycleRule['refused'] = 'holds'): LifecycleRule => ({ cancelled: 'continues', restartedBy: 'parent', refused, instead });
const job = (restartedBy: 'schedule' | 'nobody', instead: string, refused: LifecycleRule['refused'] = 'fails'): LifecycleRule => ({ cancelled: 'stops', restartedBy, refused, instead });

/**
 * The rule of every workflow type; a test fails for a registered type without one. The reasons are in decision 0034.
 */
export const lifecycleRules = {
  investigation: rowed('To end a case, send the update `decide`, or POST /v1/investigations/{id}/decide.', 'itself'),
  cart: rowed('The cart ends when it is ordered, emptied, merged or abandoned: DELETE /v1/carts/{userId} empties it.'),
  checkout: rowed('The checkout ends when it is confirmed, cancelled or expired: POST /v1/checkouts/{id}/cancel cancels it.'),
  season: rowed('The season ends at its instant: PUT /v1/boards/{gameId}/seasons/{n} moves its end.'),
  eraseDevice: rowed('An erasure that was requested runs to its end.'),
  turn: rowed('The turn ends when all followers are gone through.'),
  seasonMoved: repeated('It ends as soon as the season has been told.'),
  fanOut: repeated('To stop a post from spreading, delete it: DELETE /v1/posts/{id}.'),
  retract: repeated('The retraction ends when the post is out of all feeds.'),
  relation: repeated('It ends when the feed agrees with whom its reader follows.'),
  deviceAlerts: repeated('It ends when the messages are sent; change the alerts of the device to get fewer.'),
  rollupCheck: { ...repeated('It ends when the rollups agree with the readings.'), refused: 'itself' },
  relay: standing('The relay never ends: it starts the workflows that requests recorded in the ledger.'),
  reconciler: standing('The reconciler never ends: it starts lost workflows again.'),
  stream: standing('The reader of a stream never ends; LONGWATCH_STREAMS_BY says who reads streams.'),
  silence: standing('The watch over silent devices never ends; change the alerts of the devices instead.'),
  sessionExpiry: standing('The sweeper of sessions never ends.'),
  shard: child('The reader of a shard ends when the shard does.'),
  eraseDay: child('It is a step of an erasure, which runs to its end.', 'fails'),
  rollupCheckDay: child('It is a step of a check of rollups, which runs to its end.', 'fails'),
  archiveDay: { cancelled: 'continues', restartedBy: 'schedule', refused: 'fails', instead: 'Archiving ends when the day is verified in the archive. Terminating it loses nothing: the next scheduled look archives the day.' },
  expireDay: { cancelled: 'continues', restartedBy: 'schedule', refused: 'fails', instead: 'It ends when the files of the day are deleted.' },
  archiveDue: job('schedule', 'Its next scheduled run does what this one leaves.'),
  restoreDay: job('nobody', 'Restore the day again to bring back the rest of its rows: POST /v1/archives/{date}/restore.'),
  rankCheck: job('schedule', 'The next scheduled check compares all rankings.', 'itself'),
  reconciliation: job('schedule', 'The next scheduled look, or POST /v1/reconciliations, looks at everything again.'),
  driftReport: job('schedule', 'The next scheduled report covers the same days.'),
  redrive: job('nobody', 'Redrive again to process the dead letters that are left: POST /v1/dead-letters/redrive.'),
} as const satisfies Record<string, LifecycleRule>;

/** The rule of a workflow type, or undefined for a type that is not Longwatch's. */
export function lifecycleRule(type: string): LifecycleRule | undefined {
  return Object.hasOwn(lifecycleRules, type) ? lifecycleRules[type as keyof typeof lifecycleRules] : undefined;
}
