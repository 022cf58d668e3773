import { describe, expect, it } from 'vitest';
import { canonicalUrl } from './canonical-url.ts';

describe('the one name of a URL', () => {
  it.each([
    ['/v2/lbaas/pools', '/v2/lbaas/pools'],
    ['/v2.0/lbaas/pools?limit=1', '/v2/lbaas/pools?limit=1'],
    ['/v2/pools/x', '/v2/lbaas/pools/x'],
    ['/v2.0/pools', '/v2/lbaas/pools'],
    ['/v2', '/v2/lbaas'],
    ['/v2.0/', '/v2/lbaas/'],
    ['/v2?x=/octavia', '/v2/lbaas?x=/octavia'],
    ['/v2.0/octavia/amphorae', '/v2/octavia/amphorae'],
    ['/v2/kiln/fleet', '/v2/kiln/fleet'],
    ['/v2/kilns', '/v2/lbaas/kilns'],
    ['/v2/lbaas/octavia/amphorae', '/v2/lbaas/octavia/amphorae'],
    ['/v2/lbaas/lbaas/pools', '/v2/lbaas/lbaas/pools'],
    ['/v20/pools', '/v20/pools'],
    ['/v1/pools', '/v1/pools'],
    ['/', '/'],
    ['/ui/v2', '/ui/v2'],
  ])('%s is %s', (asked, served) => {
    expect(canonicalUrl(asked)).toBe(served);
  });
});
