import { describe, expect, it } from 'vitest';
import { createFakeLoadBalancerStore } from '../../../test/kit/fakes/fake-load-balancer-store.ts';
import { storedLoadBalancer } from '../../../test/kit/stored-resources.ts';
import { rememberTrees } from './remember-trees.ts';

function setUp() {
  const store = createFakeLoadBalancerStore();
  const asked: string[] = [];
  const counting = {
    ...store,
    tree: async (id: string) => {
      asked.push(id);
      return await store.tree(id);
    },
  };
  const make = (id: string) =>
    store.apply({
      loadBalancerId: id,
      mutableFrom: [],
      rows: [{ kind: 'loadbalancer', put: storedLoadBalancer(id) }],
      operation: null,
    });
  return { asked, make, remembering: rememberTrees(counting) };
}

describe('a store that remembers trees', () => {
  it('reads each tree once', async () => {
    const { asked, make, remembering } = setUp();
    await make('a');
    await make('b');
    const first = await remembering.tree('a');
    expect(first?.loadBalancer.id).toBe('a');
    expect(await remembering.tree('a')).toBe(first);
    expect((await remembering.tree('b'))?.loadBalancer.id).toBe('b');
    expect(asked).toEqual(['a', 'b']);
  });

  it('does not remember that there was none', async () => {
    const { make, remembering } = setUp();
    expect(await remembering.tree('a')).toBeNull();
    await make('a');
    expect(await remembering.tree('a')).not.toBeNull();
  });
});
