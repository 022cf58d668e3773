import { describe, expect, expectTypeOf, it } from 'vitest';
import type { FlowName } from '../../model/flow-name.ts';
import type { ImageChoice } from '../../model/image.ts';
import type { StoredTree } from '../../model/load-balancer.ts';
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

describe('what a step gives', () => {
  it('is plain data, which a journal can hold: anything else is an error of types', () => {
    expectTypeOf<StoredTree['pools'][number]>().toExtend<JsonObject>();
    expectTypeOf<ImageChoice>().toExtend<JsonObject>();
    // @ts-expect-error: a date would come back as text.
    const dated: Step<LoadBalancerDeps, JsonObject, { at: Date }> = {
      name: 'dated',
      do: async () => ({ at: new Date() }),
    };
    // @ts-expect-error: a method is not in JSON at all.
    const busy: Step<LoadBalancerDeps, JsonObject, { run(): void }> = { name: 'busy', do: async () => ({ run() {} }) };
    expect([dated.name, busy.name]).toEqual(['dated', 'busy']);
  });
});
