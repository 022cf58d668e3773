import type { Flow } from '../../src/flows/engine/flow.ts';
import type { LoadBalancerDeps } from '../../src/flows/load-balancer/deps.ts';
import { loadBalancerFlows } from '../../src/flows/load-balancer/index.ts';

const introduction = `# Flows

Made from \`src/flows/load-balancer\` by \`npm run docs:generate\`. Don't edit.

What the API is asked becomes an operation, and a flow of steps carries it out. Each step is journalled before the next
one starts; \`kiln operation show ID\` tells how far a flow came. A step that fails, and may yet succeed, is tried again
with growing pauses; else the flow goes back: the steps that were begun are undone, the last one first, and the load
balancer gets the reason. A step drawn with rounded ends has nothing to take back. Below the line "no way back" a step is
tried until it succeeds, by whichever worker has the operation.
`;

/** docs/generated/flows.md. Flows of the same steps share a diagram. */
export function renderFlows(): string {
  const groups = Map.groupBy(loadBalancerFlows, shapeOf);
  return [introduction, ...[...groups.values()].map(renderGroup)].join('\n');
}

function shapeOf({ steps, pointOfNoReturn }: Flow<LoadBalancerDeps>): string {
  return JSON.stringify([pointOfNoReturn, steps.map(({ name, undo }) => [name, undo !== undefined])]);
}

function renderGroup(flows: readonly Flow<LoadBalancerDeps>[]): string {
  const [flow] = flows;
  if (!flow) return '';
  const { steps, pointOfNoReturn } = flow;
  const names = steps.map(({ name }) => name.replaceAll('-', '_'));
  const boxes = steps.map(({ name, undo }, index) => `  ${names[index]}${undo ? `["${name}"]` : `(["${name}"])`}`);
  const arrows = names.slice(1).map((name, index) => {
    const label = index + 1 === pointOfNoReturn ? '|no way back|' : '';
    return `  ${names[index]} -->${label} ${name}`;
  });
  return [
    `## ${flows.map(({ name }) => `\`${name}\``).join(', ')}`,
    '',
    '```mermaid',
    'flowchart TD',
    ...boxes,
    ...arrows,
    '```',
    '',
  ].join('\n');
}
