import type { FlowName } from '../../src/model/flow-name.ts';

/** A flow that Kiln does not have: a newer one's, or a test's own. */
export const madeUpFlow = (name: string): FlowName => name as FlowName;
