import fc from 'fast-check';
import { extractFeatures, LABEL_DELAY_DAYS } from '../../../src/domain/fraud/features';
import {
  applyHistoryChange,
  decodeMerchantProfile,
  emptyMerchantProfile,
  encodeMerchantProfile,
} from '../../../src/domain/fraud/merchantProfile';
import { applyTransaction, DAY_MS, emptyUserProfile, isUnusuallyHigh } from '../../../src/domain/fraud/profile';
import { decodeUserProfile, encodeUserProfile } from '../../../src/domain/fraud/profileEncoding';
import { Replay } from '../../../src/domain/fraud/replay';
import { arbitraryTransaction, START } from './arbitraryTransactions';

/** A few users and merchants over a month, so that they meet again and labels fall due. */
const history = fc
  .array(
    fc.record({
      transaction: arbitraryTransaction,
      user: fc.integer({ min: 0, max: 2 }),
      merchant: fc.integer({ min: 0, max: 2 }),
      minute: fc.integer({ min: 0, max: 30 * 1440 }),
      fraud: fc.constantFrom(true, false, undefined),
    }),
    { maxLength: 60 },
  )
  .map((rows) =>
    rows
      .toSorted((a, b) => a.minute - b.minute)
      .map(({ transaction, user, merchant, minute, fraud }) => ({
        fraud,
        transaction: {
          ...transaction,
          userId: `u${user}`,
          merchantId: `m${merchant}`,
          timestamp: START + minute * 60_000,
        },
      })),
  );

it('gives the features that serving gives from stored profiles, labels becoming known in time', () => {
  fc.assert(
    fc.property(history, (rows) => {
      const users = new Map<string, string>();
      const merchants = new Map<string, string>();
      const merchantOf = (id: string) =>
        merchants.has(id) ? decodeMerchantProfile(merchants.get(id)!) : emptyMerchantProfile();
      const due: (() => void)[] = [];
      const replay = new Replay();
      rows.forEach(({ transaction, fraud }, i) => {
        const { userId, merchantId, timestamp } = transaction;
        rows.slice(0, i).forEach((row, j) => {
          if (row.transaction.timestamp <= timestamp - LABEL_DELAY_DAYS * DAY_MS) due[j]?.();
          if (row.transaction.timestamp <= timestamp - LABEL_DELAY_DAYS * DAY_MS) due[j] = () => undefined;
        });
        const user = users.has(userId) ? decodeUserProfile(users.get(userId)!) : emptyUserProfile();
        expect(replay.take(transaction, fraud)()).toEqual(extractFeatures(transaction, user, merchantOf(merchantId)));
        users.set(userId, encodeUserProfile(applyTransaction(user, transaction)));
        const before = { timestamp, unusualAmount: isUnusuallyHigh(user, transaction) };
        merchants.set(merchantId, encodeMerchantProfile(applyHistoryChange(merchantOf(merchantId), { after: before })));
        due.push(() => {
          if (fraud)
            merchants.set(
              merchantId,
              encodeMerchantProfile(
                applyHistoryChange(merchantOf(merchantId), { before, after: { ...before, label: 'fraud' } }),
              ),
            );
        });
      });
    }),
    { numRuns: 60 },
  );
});

it('features asked for later are still those of then', () => {
  fc.assert(
    fc.property(history, (rows) => {
      const [eager, lazy] = [new Replay(), new Replay()];
      const wanted = rows.map(({ transaction, fraud }) => eager.take(transaction, fraud)());
      expect(rows.map(({ transaction, fraud }) => lazy.take(transaction, fraud)).map((features) => features())).toEqual(
        wanted,
      );
    }),
    { numRuns: 30 },
  );
});
