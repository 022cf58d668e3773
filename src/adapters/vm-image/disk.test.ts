import { expect, it } from 'vitest';
import { bootConfiguration, diskBytes, fixedTimes, layout, partitionTable } from './disk.ts';

it('has two partitions that neither overlap nor leave the disk', () => {
  expect(layout.bootStart + layout.bootSize).toBeLessThanOrEqual(layout.rootStart);
  expect(layout.rootStart + layout.rootSize).toBeLessThanOrEqual(diskBytes);
  expect(partitionTable()).toContain(
    '1 : start=2048, size=194560, type=c, bootable\n2 : start=196608, size=3995648, type=83',
  );
});

it('boots by the label of the root file system, with the serial console last', () => {
  expect(bootConfiguration()).toMatch(/root=LABEL=amphora-root .*console=tty0 console=ttyS0,115200$/m);
});

it('gives each inode one time', () => {
  expect(fixedTimes(2)).toBe(
    '<1> atime,<1> ctime,<1> crtime,<2> atime,<2> ctime,<2> crtime'
      .split(',')
      .map((what) => `sif ${what} @1767225600\n`)
      .join(''),
  );
});
