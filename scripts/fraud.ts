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
      'Tools for a fraud model: simulated payments, features, training, backtests. The features are computed by the ' +
      'code that runs in production.',
    examples: [
      ['simulate --out payments.csv --days 60', 'writes payments, some of them fraud, to a file'],
      [
        'backtest --transactions payments.csv --from 2026-02-01 --to 2026-02-15',
        'shows the decisions of the shipped model and rules over two weeks',
      ],
    ],
    expected: [ConfigError],
  },
  [simulate, features, train, backtest, shadow, promote, drift, labels],
);
