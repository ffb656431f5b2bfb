import type { RuleSet } from './ruleSet';

/** The rule set that ships. It works without the model and rarely matches ordinary payments. */
export const defaultRules: RuleSet = {
  bands: [
    { outcome: 'alert', from: 0.2 },
    { outcome: 'review', from: 0.5 },
    { outcome: 'block', from: 0.9 },
  ],
  rules: [
    {
      id: 'impossible-travel',
      when: {
        all: [
          { field: 'distanceKm', is: '>', value: 500 },
          { field: 'speedKmh', is: '>', value: 1000 },
          { field: 'cardPresent', is: '==', value: true },
        ],
      },
      outcome: 'review',
      reason: 'IMPOSSIBLE_TRAVEL',
      text: 'the card was used at a distant place too recently',
    },
    {
      id: 'card-testing',
      when: {
        all: [
          { field: 'userCount1h', is: '>=', value: 6 },
          { field: 'userMean1h', is: '<', value: 5 },
          { field: 'ecommerce', is: '==', value: true },
        ],
      },
      outcome: 'block',
      reason: 'CARD_TESTING',
      text: 'many very small payments within an hour',
    },
    {
      id: 'many-within-an-hour',
      when: { field: 'userCount1h', is: '>=', value: 12 },
      outcome: 'review',
      reason: 'VELOCITY_1H',
      text: 'unusually many payments within an hour',
    },
    {
      id: 'takeover-signs',
      when: {
        all: [
          { field: 'newDevice', is: '==', value: true },
          { field: 'newCountry', is: '==', value: true },
          { field: 'amountOverMedian', is: '>', value: 3 },
        ],
      },
      outcome: 'review',
      reason: 'NEW_DEVICE_NEW_COUNTRY_HIGH_AMOUNT',
      text: 'a new device in a new country, and an amount far above the usual',
    },
    {
      id: 'new-device-high-amount',
      when: {
        all: [
          { field: 'newDevice', is: '==', value: true },
          { field: 'amountOverMedian', is: '>', value: 12 },
          { field: 'amountDeviations', is: '>', value: 8 },
          { field: 'userCount30d', is: '>=', value: 5 },
        ],
      },
      outcome: 'alert',
      reason: 'NEW_DEVICE_HIGH_AMOUNT',
      text: 'a new device, and an amount far above the usual amounts of this user',
    },
    {
      id: 'repeated-high-amounts',
      when: {
        all: [
          { field: 'highs7d', is: '>=', value: 3 },
          { field: 'amountOverMean', is: '>', value: 3 },
        ],
      },
      outcome: 'review',
      reason: 'REPEATED_HIGH_AMOUNTS',
      text: 'another unusually high amount after several within a week',
    },
    {
      id: 'unknown-user-large-amount',
      when: {
        all: [
          { field: 'userCount30d', is: '==', value: 0 },
          { field: 'amount', is: '>', value: 2000 },
        ],
      },
      outcome: 'review',
      reason: 'UNKNOWN_USER_LARGE_AMOUNT',
      text: 'a large amount from a user without history',
    },
    {
      id: 'risky-merchant',
      when: {
        all: [
          { field: 'merchantUnexplained14d', is: '>=', value: 3 },
          { field: 'merchantUnexplainedRate14d', is: '>', value: 0.3 },
        ],
      },
      outcome: 'alert',
      reason: 'RISKY_MERCHANT',
      text: 'a merchant where many recent payments of usual amount were fraud',
    },
  ],
};
