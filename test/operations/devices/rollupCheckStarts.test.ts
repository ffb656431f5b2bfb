import { ROLLUP_CHECK_ID, ROLLUP_CHECK_TYPE, rollupCheckId } from '../../../src/domain/devices/workflows';
import { RollupCheckStarts } from '../../../src/operations/devices/rollupCheckStarts';

const setUp = ({ startOnce = () => Promise.resolve(), assertComparable = () => Promise.resolve() } = {}) => {
  const parts = { startOnce: jest.fn<Promise<void>, [object]>(startOnce), onFault: jest.fn<void, [unknown]>() };
  return { ...parts, starts: new RollupCheckStarts({ ...parts, check: { assertComparable } }) };
};

it('a requested check is of one day; without its readings or rollups, none starts', async () => {
  const { starts, startOnce } = setUp();
  expect(await starts.start('2026-11-27')).toBe(rollupCheckId('2026-11-27'));
  expect(startOnce).toHaveBeenCalledWith(
    expect.objectContaining({ type: ROLLUP_CHECK_TYPE, args: [{ days: ['2026-11-27'] }] }),
  );
  const gone = setUp({ assertComparable: () => Promise.reject(new Error('gone')) });
  await expect(gone.starts.start('2026-11-27')).rejects.toThrow('gone');
  expect(gone.startOnce).not.toHaveBeenCalled();
});

it('after a gap in the stream the recent days are checked; a failure is reported and not thrown', async () => {
  const failure = new Error('no Temporal');
  const { starts, startOnce, onFault } = setUp({ startOnce: () => Promise.reject(failure) });
  starts.afterGap();
  await Promise.resolve();
  expect(startOnce).toHaveBeenCalledWith(expect.objectContaining({ workflowId: ROLLUP_CHECK_ID, args: [{}] }));
  expect(onFault).toHaveBeenCalledWith(failure);
});
