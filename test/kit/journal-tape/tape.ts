import { readFileSync } from 'node:fs';
import { type Difference, type Facts, withDifference } from './facts.ts';

/**
 * One line of a tape: what changed in the world since the line before, and where an operation stands in it.
 * point: its worker dies here. end: the operation has ended, and nothing died.
 */
export interface TapeLine extends Difference {
  kind: 'begin' | 'point' | 'end';
  operationId: string;
  /** The flow, and where it is in it. */
  at: string;
}

/** A moment at which a worker died, and what is there when the operation ends without that. */
export interface TapePoint {
  at: string;
  operationId: string;
  facts: Facts;
  end: Facts;
}

export function readTape(file: string): TapePoint[] {
  const points: Omit<TapePoint, 'end'>[] = [];
  const ends = new Map<string, Facts>();
  let facts: Facts = new Map();
  for (const text of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const { kind, operationId, at, set, gone } = JSON.parse(text) as TapeLine;
    facts = withDifference(facts, { set, gone });
    if (kind === 'point') points.push({ at, operationId, facts });
    if (kind === 'end') ends.set(operationId, facts);
  }
  return points.map((point) => {
    const end = ends.get(point.operationId);
    if (!end) throw new Error(`${file} has no end of ${point.at}`);
    return { ...point, end };
  });
}

const resourceTables =
  /^kiln_(load_balancer|listener|pool|member|health_monitor|l7_?policy|l7_?rule|amphora|operation)$/i;
const anyId = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/**
 * What must be the same however often the worker died: rows by status, servers by image, ports and groups by name. IDs, times, and
 * what a newer version writes into configurations may differ.
 */
export function gistOf(facts: Facts, operationId: string): string[] {
  const lines: string[] = [];
  for (const [place, text] of facts) {
    const where = place.slice(0, place.indexOf('/'));
    const fact = JSON.parse(text);
    if (where === 'kiln_operation' && fact.id === operationId) {
      lines.push(`operation ${fact.flow} ${fact.status} ${fact.worker} ${reasonOf(fact.reason)}`);
    } else if (resourceTables.test(where) && where !== 'kiln_operation') {
      const status = fact.provisioning_status ?? fact.status;
      const { role = '', image_id: image = '', compute_id: server } = fact;
      if (status !== 'DELETED')
        lines.push(`${where} ${status} ${role} ${image} ${server ? 'with a server' : ''}`.trim());
    } else if (where === 'compute.servers') {
      const { status, imageId, name } = fact.server;
      lines.push(`server ${name.replace(anyId, 'ID')} ${status} ${imageId} with ${fact.interfaces.length} interfaces`);
    } else if (where === 'network.ports' || where === 'network.groups' || where === 'compute.groups') {
      const { name, status = '', securityGroupIds = [], deviceId = '' } = fact;
      const use = deviceId === '' ? 'free' : 'in use';
      lines.push(`${where} ${name.replace(anyId, 'ID')} ${status} ${use} ${securityGroupIds.length}`);
    }
  }
  return lines.sort();
}

const reasonOf = (reason: string | null) => (reason === null ? 'well' : (JSON.parse(reason) as { code: string }).code);
