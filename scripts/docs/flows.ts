import type { Flow, Place } from '../../src/flows/engine/flow.ts';
import type { LoadBalancerDeps } from '../../src/flows/load-balancer/deps.ts';
import { loadBalancerFlows } from '../../src/flows/load-balancer/index.ts';

const introduction = `# Flows

Made from \`src/flows/load-balancer\` by \`npm run docs:generate\`. Don't edit.

What the API, \`kiln amphora boot\` or housekeeping asks for becomes an operation, and a flow of steps carries it out. Each step is journalled before the next
one starts, but for those that can be repeated (decision 0054); \`kiln operation show ID\` tells how far a flow came. A step that fails, and may yet succeed, is tried again
with growing pauses; else the flow goes back: the steps that were begun are undone, the last one first, and the load
balancer gets the reason. A step drawn with rounded ends has nothing to take back. Below the line "no way back" a step is
tried until it succeeds, by whichever worker has the operation. Frames beside each other are branches: their steps run at
the same time, under names such as \`MASTER/create-server\`, and what comes after waits for all of them.
`;

/** docs/generated/flows.md. Flows of the same steps share a diagram. */
export function renderFlows(): string {
  const groups = Map.groupBy(loadBalancerFlows, shapeOf);
  return [introduction, ...[...groups.values()].map(renderGroup)].join('\n');
}

function shapeOf({ steps, pointOfNoReturn, places }: Flow<LoadBalancerDeps>): string {
  return JSON.stringify([pointOfNoReturn, places, steps.map(({ name, undo }) => [name, undo !== undefined])]);
}

function renderGroup(flows: readonly Flow<LoadBalancerDeps>[]): string {
  const [flow] = flows;
  if (!flow) return '';
  return [
    `## ${flows.map(({ name }) => `\`${name}\``).join(', ')}`,
    '',
    '```mermaid',
    'flowchart TD',
    ...boxesOf(flow, flow.places, '', '  '),
    ...arrowsOf(flow, flow.places, []).arrows,
    '```',
    '',
  ].join('\n');
}

const firstOf = ([place = 0]: readonly Place[]): number =>
  typeof place === 'number' ? place : firstOf(place[0]?.places ?? []);
const idOf = (name: string) => name.replaceAll(/[^A-Za-z0-9]/g, '_');

/** Each branch is a frame with its steps in it. */
function boxesOf(flow: Flow<LoadBalancerDeps>, places: readonly Place[], within: string, indent: string): string[] {
  return places.flatMap((place) => {
    if (typeof place !== 'number') {
      return place.flatMap(({ name, places }) => [
        // A role may have several frames, one after the other.
        `${indent}subgraph branch_${idOf(within + name)}_${firstOf(places)}["${name}"]`,
        ...boxesOf(flow, places, `${within}${name}/`, `${indent}  `),
        `${indent}end`,
      ]);
    }
    const { name = '', undo } = flow.steps[place] ?? {};
    const label = name.slice(within.length);
    return [`${indent}${idOf(name)}${undo ? `["${label}"]` : `(["${label}"])`}`];
  });
}

/** @param from the steps after which these places come: several at a join. */
function arrowsOf(
  flow: Flow<LoadBalancerDeps>,
  places: readonly Place[],
  from: readonly number[],
): { arrows: string[]; ends: readonly number[] } {
  let ends = from;
  const arrows: string[] = [];
  const nameOf = (index: number) => idOf(flow.steps[index]?.name ?? '');
  for (const place of places) {
    if (typeof place === 'number') {
      const isCommitted = (index: number) => index >= flow.pointOfNoReturn;
      for (const end of ends) {
        const label = isCommitted(place) && !isCommitted(end) ? '|no way back|' : '';
        arrows.push(`  ${nameOf(end)} -->${label} ${nameOf(place)}`);
      }
      ends = [place];
    } else {
      const branches = place.map((branch) => arrowsOf(flow, branch.places, ends));
      arrows.push(...branches.flatMap((branch) => branch.arrows));
      ends = branches.flatMap((branch) => branch.ends);
    }
  }
  return { arrows, ends };
}
