import { verdict } from '../../scripts/audit';
import { isAllowed } from '../../scripts/licences';

it.each([
  ['MIT', true],
  ['(MIT OR Apache-2.0)', true],
  ['(GPL-3.0-only OR MIT)', true],
  ['Apache-2.0 AND MIT', true],
  ['MIT AND GPL-3.0-only', false],
  ['GPL-3.0-only', false],
  ['SEE LICENSE IN LICENSE', false],
  ['UNLICENSED', false],
])('a dependency under %s: %s', (licence, allowed) => expect(isAllowed(licence)).toBe(allowed));

const vulnerability = (severity: string) => ({ severity, range: '<1.2.3', fixAvailable: true });
const report = (severities: string[]) => ({
  metadata: { vulnerabilities: { high: 1, total: severities.length } },
  vulnerabilities: Object.fromEntries(severities.map((severity, i) => [`package-${i}`, vulnerability(severity)])),
});

it('the audit fails for what is high or critical, and names it; what is less is counted', () => {
  expect(verdict(report(['low', 'moderate'])).failed).toBe(false);
  const grave = verdict(report(['low', 'high', 'critical']));
  expect(grave.failed).toBe(true);
  expect(grave.lines.slice(1)).toEqual([
    'package-1 <1.2.3: high; npm audit fix',
    'package-2 <1.2.3: critical; npm audit fix',
  ]);
});

it.each([
  ['answers 405', { statusCode: 405, message: 'Method Not Allowed' }, 'HTTP status 405'],
  ['cannot be reached', { error: { code: 'ENOTFOUND' } }, 'ENOTFOUND'],
  ['gives nothing', undefined, 'no report'],
])('a registry that %s has not audited anything, which is said and is no fault of the code', (_, given, why) => {
  const { lines, failed } = verdict(given);
  expect([lines, failed]).toEqual([[expect.stringContaining(why)], false]);
});
