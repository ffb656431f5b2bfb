import { ConfigError } from '../src/config';
import { runCommand } from './commandLine';
import { backtest } from './fraud/backtest';
import { drift } from './fraud/drift';
import { features } from './fraud/features';
import { labels } from './fraud/labels';
import { promote, shadow } from './fraud/shadow';
import { simulate } from './fraud/simulate';
import { train } from './fraud/train';

runCommand(
  {
    name: 'fraud',
    about:
      'The life of a fraud model: simulated payments, features, training and backtests. Features are computed by the ' +
      'code that serves the model.',
    examples: [
      ['simulate --out payments.csv --days 60', 'writes payments, some of them fraud, to a file'],
      [
        'backtest --transactions payments.csv --from 2026-02-01 --to 2026-02-15',
        'shows what the shipped model and rules make of two weeks',
      ],
    ],
    expected: [ConfigError],
  },
  [simulate, features, train, backtest, shadow, promote, drift, labels],
);
