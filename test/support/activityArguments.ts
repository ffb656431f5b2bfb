const now = Date.now();
const day = new Date(now - 3 * 86_400_000).toISOString().slice(0, 10);
const part = { name: 'part-00000.parquet', rows: 1, bytes: 1, sha256: '', minTime: 0, maxTime: 0 };
const plan = { day, generation: 1, lanes: [{ buckets: [0], firstPart: 0 }], isRestored: false };
const season = { gameId: 'g', season: 1 };
const shard = { gameId: 'g', season: 1, shard: 0, order: 'descending' };
const post = { key: `${new Date(now).toISOString()}#p`, authorId: 'a' };
const slice = { range: { from: '', to: '~' } };
const notice = { id: 'n', recipient: 'r', subject: 's', text: 't', at: now };
const write = {
  transactionId: 't',
  fromRevision: 0,
  revision: 1,
  header: { status: 'waiting', outcome: 'review', score: null, hold: 'none' },
  entries: [],
  placeHold: false,
};
/**
 * By what happens when DynamoDB refuses every call: it is refused and final, or it is told in the log and the work goes
 * on; some ask the archive first, or nobody.
 */
export const activityArguments: Readonly<
  Record<string, { args: unknown[]; ends: 'refused' | 'goes on' | 'asks no table' }>
> = {
  scoreCase: { args: ['t'], ends: 'refused' },
  recordCase: { args: [write], ends: 'refused' },
  closeCase: { args: [{ ...write, label: 'fraud', closedAt: now, userId: 'u', timestamp: now }], ends: 'refused' },
  readCase: { args: ['t', {}], ends: 'refused' },
  sendLetter: { args: [{ ...notice, transactionId: 't' }], ends: 'refused' },
  findDrift: { args: [7], ends: 'refused' },
  sendNotice: { args: [notice], ends: 'refused' },
  proveSender: {
    args: [
      { transactionId: 't', workflowId: 'w', runId: 'r', updateId: 'u', claim: 'note', by: 'ana', attestation: 'x' },
    ],
    ends: 'refused',
  },
  payDebts: { args: [], ends: 'goes on' },
  openShards: { args: ['transactions'], ends: 'asks no table' },
  consumeShard: { args: ['transactions', 'shard', 100], ends: 'refused' },
  redriveLetters: { args: ['transactions'], ends: 'refused' },
  lookAtCart: { args: ['u', 1, now], ends: 'refused' },
  settleCheckout: { args: ['c', now], ends: 'refused' },
  carryBans: { args: [season], ends: 'refused' },
  seasonEnd: { args: [season], ends: 'refused' },
  closeSeason: { args: [season, now], ends: 'refused' },
  planSeasons: { args: ['g'], ends: 'refused' },
  awaitRanks: { args: [season], ends: 'refused' },
  checkRanks: { args: [shard, 'audit'], ends: 'refused' },
  writeStandings: { args: [season], ends: 'refused' },
  grantRewards: { args: [season, 1], ends: 'refused' },
  finishSeason: { args: [season, 1], ends: 'refused' },
  archiveSeason: { args: [season, 1], ends: 'asks no table' },
  ranksToCheck: { args: [], ends: 'refused' },
  sweepSessions: { args: [0, 100], ends: 'refused' },
  deliver: { args: [post, slice], ends: 'refused' },
  retract: { args: [post, slice], ends: 'refused' },
  turnFollowers: { args: [{ authorId: 'a', modeVersion: 1, direction: 'rising' }, slice], ends: 'refused' },
  completeTurn: { args: [{ authorId: 'a', modeVersion: 1, direction: 'rising' }], ends: 'refused' },
  settleRelation: { args: [{ readerId: 'r', authorId: 'a', epoch: 1 }], ends: 'refused' },
  tellAlerts: {
    args: [[{ event: 'raised', alertId: 'x', deviceId: 'd', recipient: 'r', text: 't', at: now }]],
    ends: 'goes on',
  },
  watchSilence: { args: [], ends: 'goes on' },
  planArchive: { args: [day], ends: 'refused' },
  writeLane: { args: [plan, plan.lanes[0]], ends: 'refused' },
  writeManifest: { args: [plan, [part]], ends: 'asks no table' },
  verifyPart: { args: [day, part], ends: 'asks no table' },
  commitArchive: { args: [plan], ends: 'asks no table' },
  partsToDelete: { args: [plan], ends: 'asks no table' },
  deletePart: { args: [day, part], ends: 'asks no table' },
  finishArchive: { args: [day, 1], ends: 'refused' },
  beginRestore: { args: [day], ends: 'refused' },
  restorePart: { args: [day, part], ends: 'asks no table' },
  finishRestore: { args: [day, 1], ends: 'refused' },
  expireDay: { args: [day], ends: 'refused' },
  dueDays: { args: [], ends: 'asks no table' },
  deleteRollups: { args: [], ends: 'refused' },
  daysToCheck: { args: [], ends: 'asks no table' },
  checkRollups: { args: [day, 0], ends: 'refused' },
  daysOfDevice: { args: ['d'], ends: 'refused' },
  eraseRows: { args: [day, 'd', 'm'], ends: 'refused' },
  rewriteDay: { args: [day, 'd'], ends: 'refused' },
  awaitMarks: { args: ['d', [day], 'm'], ends: 'refused' },
  eraseRest: { args: ['d', [day], 'm'], ends: 'refused' },
  keepReconciled: { args: [], ends: 'goes on' },
  reconcile: { args: ['full'], ends: 'refused' },
  finishErasure: { args: ['d'], ends: 'refused' },
};
