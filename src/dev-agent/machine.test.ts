import { expect, it } from 'vitest';
import { parseCpu, parseMemory, parseNetworks } from './machine.ts';

it('reads /proc/stat as the agent of Octavia does: parts as text, sum as a number', () => {
  expect(parseCpu('cpu  10 20 30 40 50 60 70 80 90 100\ncpu0 1 2 3\n')).toEqual({
    total: 550,
    user: '10',
    system: '30',
    soft_irq: '70',
  });
});

it('reads /proc/meminfo, absent fields as 0', () => {
  expect(parseMemory('MemTotal:       24684084 kB\nMemFree:        18391780 kB\nHugePages_Total:       0\n')).toEqual({
    total: 24684084,
    free: 18391780,
    buffers: 0,
    cached: 0,
    swap_used: 0,
    shared: 0,
    slab: 0,
  });
});

it('reads the counters of eth interfaces from /proc/net/dev', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:  100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0',
    '  eth1:  726       9    0    0    0     0          0         0      920      11    0    0    0     0       0          0',
    'docker0: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0',
    '',
  ].join('\n');
  expect(parseNetworks(text)).toEqual({ eth1: { network_tx: 920, network_rx: 726 } });
});
