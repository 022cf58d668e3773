import { describe, expect, expectTypeOf, it } from 'vitest';
import type { FlowName } from '../../model/flow-name.ts';
import type { JsonObject, NewOperation } from '../../model/operation.ts';
import { defineFlow, type Step } from '../engine/flow.ts';
import type { LoadBalancerDeps } from './deps.ts';
import { loadBalancerFlows, type OperationFlow } from './index.ts';

const nothing: Step<LoadBalancerDeps, JsonObject, Record<string, never>> = { name: 'nothing', do: async () => ({}) };

describe('the names of flows', () => {
  it('stand once each, and are asked for by none that has no flow', () => {
    const names = loadBalancerFlows.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expectTypeOf<(typeof names)[number]>().toEqualTypeOf<FlowName>();
    expectTypeOf<NewOperation['flow']>().toEqualTypeOf<FlowName>();
    // @ts-expect-error: a letter is missing.
    expectTypeOf<'create-listner'>().toExtend<FlowName>();
  });

  it('are the flows’ own: the registry takes none under the name of another', () => {
    const released = defineFlow('release-amphora').takes<LoadBalancerDeps, JsonObject>().step(nothing).build();
    expectTypeOf(released).toExtend<OperationFlow<'release-amphora'>>();
    // @ts-expect-error: it is another's.
    expectTypeOf(released).toExtend<OperationFlow<'failover-amphora'>>();
  });
});
